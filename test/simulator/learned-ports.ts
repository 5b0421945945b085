/**
 * What a switch has learned: at which port each Ethernet address is. A simulated segment has a
 * handful of them, so they are looked through faster than looked up.
 */
import type { Port } from './simulated-segment.ts';

export class LearnedPorts {
  readonly #macs: number[] = [];
  readonly #ports: Port[] = [];

  get(mac: number): Port | undefined {
    for (let index = 0; index < this.#macs.length; index += 1) {
      if (this.#macs[index] === mac) return this.#ports[index];
    }
    return undefined;
  }

  set(mac: number, port: Port): void {
    const known = this.#macs.indexOf(mac);
    if (known >= 0) {
      this.#ports[known] = port;
      return;
    }
    this.#macs.push(mac);
    this.#ports.push(port);
  }

  /** All that was learned at a port. */
  forget(port: Port): void {
    for (let index = this.#ports.length - 1; index >= 0; index -= 1) {
      if (this.#ports[index] !== port) continue;
      this.#macs.splice(index, 1);
      this.#ports.splice(index, 1);
    }
  }

  clear(): void {
    this.#macs.length = 0;
    this.#ports.length = 0;
  }
}
