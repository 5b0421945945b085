/**
 * Wakes a thread that blocks in `Kernel.wait`: an eventfd (eventfd(2)), whose number may be handed
 * to another thread of the process.
 */
import { checked, native } from './native-socket.ts';

export class WakeSignal {
  /** To be polled; readable after `signal` until drained. */
  readonly fd: number;

  constructor() {
    this.fd = checked(native.openEvent(), 'open an eventfd');
  }

  signal(): void {
    checked(native.signalEvent(this.fd), 'signal an eventfd');
  }

  close(): void {
    checked(native.close(this.fd), 'close an eventfd');
  }
}
