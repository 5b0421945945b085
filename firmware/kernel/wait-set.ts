/**
 * Blocks a thread until one of many descriptors is readable or an instant has come (ppoll(2) with a
 * timerfd). The instant is absolute, so being stopped on the way into the call does not move it.
 */
import { constants } from 'node:os';
import { checked, native } from './native-socket.ts';

const { EINTR } = constants.errno;

export interface WaitedDescriptors {
  readonly wake: number;
  readonly route: number;
  /** Undefined when nothing of the kind is open. */
  readonly netfilter: number | undefined;
  /** An eventfd: changes of links that were delegated are done. */
  readonly delegated: number;
  readonly listeners: readonly number[];
}

const WAKE = 1;
const ROUTE = 2;
const NETFILTER = 3;
const DELEGATED = 4;
const LISTENERS = 5;

export class WaitSet {
  readonly #timer = checked(native.openTimer(), 'open a timer');
  #deadline = 0;
  /** Negative descriptors are skipped by the kernel. */
  #fds = Int32Array.of(this.#timer, -1, -1, -1, -1);
  #listeners: readonly number[] = [];
  #found = new Int32Array(LISTENERS);

  /** What to wait for from now on. */
  set({ wake, route, netfilter, delegated, listeners }: WaitedDescriptors): void {
    const others = [this.#timer, wake, route, netfilter ?? -1, delegated];
    this.#fds = Int32Array.of(...others, ...listeners);
    this.#listeners = listeners;
    this.#found = new Int32Array(this.#fds.length);
  }

  /**
   * Waits until something is readable or `deadline` (microseconds of the monotonic clock) has come.
   * With `onlyLook` it returns at once.
   */
  wait(deadline: number | undefined, onlyLook: boolean): void {
    // 0 would disarm the timer, which only `undefined` means.
    const at = deadline === undefined ? 0 : Math.max(1, deadline);
    if (at !== this.#deadline) checked(native.setTimer(this.#timer, at), 'set a timer');
    this.#deadline = at;
    const count = this.#fds.length;
    const ready = native.poll(this.#fds, this.#found, count, onlyLook ? 0 : -1);
    if (ready === -EINTR) this.#found.fill(0);
    else checked(ready, 'wait');
  }

  /** What the last wait found. */
  get found(): Readonly<Record<'wake' | 'route' | 'netfilter' | 'delegated', boolean>> {
    const found = this.#found;
    return {
      wake: found[WAKE] !== 0,
      route: found[ROUTE] !== 0,
      netfilter: found[NETFILTER] !== 0,
      delegated: found[DELEGATED] !== 0,
    };
  }

  isReady(listener: number): boolean {
    return this.#found[LISTENERS + this.#listeners.indexOf(listener)] !== 0;
  }

  /** Whether a listener ends a wait when it is readable; at first all do. */
  heed(listener: number, on: boolean): void {
    this.#fds[LISTENERS + this.#listeners.indexOf(listener)] = on ? listener : -1;
  }

  close(): void {
    checked(native.close(this.#timer), 'close a timer');
  }
}
