/**
 * When the replication takes its turns: two milliseconds after something has arrived, so that what
 * comes meanwhile is taken along, again as long as there is more, and when a deadline lapses.
 */
import { instant } from '../core/time.ts';
import { native, type Watch } from '../kernel/native-socket.ts';
import type { FlowService } from './flow-service.ts';

const READABLE = 1;
const COLLECTING_MS = 2;
/** Greetings and addresses are looked after this often even when nothing happens. */
const LONGEST_PAUSE_MS = 100;

export class FlowLoop {
  readonly #service: FlowService;
  readonly #watches: Watch[] = [];
  #timer: NodeJS.Timeout | undefined;
  #isArmed = false;
  #isRunning = false;

  constructor(service: FlowService) {
    this.#service = service;
  }

  start(): void {
    this.#isRunning = true;
    for (const fd of this.#service.descriptors) {
      const watch = native.watch(fd, READABLE, () => this.wake());
      if (typeof watch === 'number') throw new RangeError(`cannot watch a socket: ${watch}`);
      this.#watches.push(watch);
    }
    this.#isArmed = true;
    this.wake();
  }

  /** A turn soon. */
  wake(): void {
    if (!this.#isRunning) return;
    this.#arm(false);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#turn(), COLLECTING_MS);
  }

  stop(): void {
    this.#isRunning = false;
    clearTimeout(this.#timer);
    for (const watch of this.#watches) native.stopWatch(watch);
  }

  #turn(): void {
    if (this.#service.turn()) {
      this.#timer = setTimeout(() => this.#turn(), COLLECTING_MS);
      return;
    }
    // Nothing was found: whatever comes now wakes us.
    this.#arm(true);
    this.#timer = setTimeout(() => this.#turn(), this.#pause());
  }

  #pause(): number {
    const due = this.#service.replication.nextTimeout() ?? Infinity;
    const left = Math.ceil((due - instant(native.monotonic())) / 1000);
    return Math.min(LONGEST_PAUSE_MS, Math.max(COLLECTING_MS, left));
  }

  #arm(isArmed: boolean): void {
    if (isArmed === this.#isArmed) return;
    this.#isArmed = isArmed;
    for (const watch of this.#watches) native.setWatch(watch, isArmed ? READABLE : 0);
  }
}
