/**
 * The election thread's loop: wait, take a turn, measure how late the wake-up was.
 */
import type { Duration } from '../core/time.ts';
import { between, instant, microseconds, milliseconds } from '../core/time.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { ElectionService } from './election-service.ts';

/** The kernel reports a lost carrier up to 1.5 s late, so it is read at least this often. */
const CARRIER_TICK = milliseconds(20);

export class RunLoop {
  readonly #kernel: Kernel;
  readonly #service: ElectionService;
  #latenessMax: Duration = microseconds(0);

  constructor(kernel: Kernel, service: ElectionService) {
    this.#kernel = kernel;
    this.#service = service;
  }

  /** The latest the loop ever woke after its deadline. */
  get latenessMax(): Duration {
    return this.#latenessMax;
  }

  turn(): void {
    const tick = this.#kernel.now() + CARRIER_TICK;
    const deadline = Math.min(tick, this.#service.nextTimeout() ?? tick);
    const events = this.#kernel.wait(deadline);
    const late = between(instant(deadline), instant(this.#kernel.now()));
    if (late > this.#latenessMax) this.#latenessMax = late;
    this.#service.turn(events);
  }
}
