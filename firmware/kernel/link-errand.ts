/**
 * Changes of links over which the kernel takes its time: lowering or deleting a macvlan waits for
 * all processors (RCU), 10 to 30 ms, which is longer than a lease. A thread of the addon stands in
 * that system call instead of ours; one errand at a time.
 */
import type { NetlinkRequest } from '../wire/netlink-message.ts';
import { KernelError } from './kernel-error.ts';
import { native } from './native-socket.ts';
import { type Asked, NetlinkSocket, protocols } from './netlink-socket.ts';
import { WakeSignal } from './wake-signal.ts';

/** Nanoseconds between two looks at an errand that is waited for. */
const LOOK = 2e6;

export interface Errand {
  readonly requests: readonly NetlinkRequest[];
  readonly asked: Asked;
  /** Called when it is done, or has failed. */
  readonly over?: () => void;
}

export class LinkErrand {
  readonly #route = new NetlinkSocket(protocols.route);
  readonly #done = new WakeSignal();
  readonly #failed: (text: string) => void;
  readonly #meanwhile: () => void;
  #underWay: Errand | undefined;

  /** `failed`: told what the kernel refused; `meanwhile`: called while an errand is waited for. */
  constructor(failed: (text: string) => void, meanwhile: () => void) {
    this.#failed = failed;
    this.#meanwhile = meanwhile;
  }

  /** Readable when the errand is over and `conclude` must be called. */
  get fd(): number {
    return this.#done.fd;
  }

  get isUnderWay(): boolean {
    return this.#underWay !== undefined;
  }

  /** Begins an errand; the one before is waited for. */
  start(errand: Errand): void {
    this.settle();
    this.#underWay = errand;
    this.#route.delegate(errand.requests, this.#done.fd);
  }

  /** Takes in what became of the errand, which is over. */
  conclude(): void {
    const errand = this.#underWay;
    if (errand === undefined || native.drain(this.#done.fd) === 0) return;
    this.#underWay = undefined;
    try {
      this.#route.conclude(errand.requests.length, errand.asked);
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      this.#failed(error.message);
    }
    errand.over?.();
  }

  /** Blocks until no errand is under way. */
  settle(): void {
    while (this.isUnderWay) {
      native.poll(Int32Array.of(this.#done.fd), new Int32Array(1), 1, LOOK);
      this.conclude();
      this.#meanwhile();
    }
  }

  /** An errand that is waited for. */
  run(requests: readonly NetlinkRequest[], asked: Asked): void {
    if (requests.length === 0) return;
    this.start({ requests, asked });
    this.settle();
  }

  close(): void {
    this.settle();
    this.#done.close();
    this.#route.close();
  }
}
