/**
 * Whether one interface may carry VIPs: the device exists, has carrier, and holds a real address.
 *
 * Loss counts at once, because every millisecond of it is an outage. Return counts only after it
 * has lasted for the debounce time, because a loose cable would otherwise move the node to and fro.
 * What is seen first after the start counts at once.
 */
import { after, type Duration, type Instant } from '../time.ts';

export interface LinkObservation {
  readonly present: boolean;
  readonly carrier: boolean;
  /** A real address of each family that its VIPs need is there. */
  readonly addressed: boolean;
}

export class LinkWatch {
  #debounce: Duration;
  #last: LinkObservation | undefined;
  #usable = false;
  #usableAt: Instant | undefined;

  constructor(debounce: Duration) {
    this.#debounce = debounce;
  }

  get usable(): boolean {
    return this.#usable;
  }

  /** False until the interface has been looked at for the first time. */
  get observed(): boolean {
    return this.#last !== undefined;
  }

  set debounce(debounce: Duration) {
    this.#debounce = debounce;
  }

  observe(link: LinkObservation, now: Instant): void {
    const first = this.#last === undefined;
    this.#last = link;
    if (!(link.present && link.carrier && link.addressed)) {
      this.#usable = false;
      this.#usableAt = undefined;
      return;
    }
    if (this.#usable) return;
    this.#usableAt ??= first ? now : after(now, this.#debounce);
    this.settle(now);
  }

  /** Call when `nextTimeout` is reached. */
  settle(now: Instant): void {
    if (this.#usableAt === undefined || this.#usableAt > now) return;
    this.#usable = true;
    this.#usableAt = undefined;
  }

  nextTimeout(): Instant | undefined {
    return this.#usableAt;
  }

  /** Why it is not usable, in words for people. */
  get explanation(): string {
    const link = this.#last;
    if (link === undefined) return 'not looked at yet';
    if (!link.present) return 'no such device';
    if (!link.carrier) return 'no carrier';
    if (!link.addressed) return 'no real address';
    return this.#usable ? 'usable' : 'carrier is back, waiting for it to stay';
  }
}
