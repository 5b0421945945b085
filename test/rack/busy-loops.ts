// Programs that want all the processor time there is: what a node shares its machine with when
// something else on it has gone wrong. They run at ordinary priority, in their own sessions, end
// with their rack, and are ended by their own process ids only.
import type { Namespace } from './namespace.ts';
import type { RackProcess } from './rack-process.ts';

export class BusyLoops {
  private readonly loops: readonly RackProcess[];

  private constructor(loops: readonly RackProcess[]) {
    this.loops = loops;
  }

  static start(namespace: Namespace, count: number): BusyLoops {
    const loop = (_: unknown, index: number) =>
      namespace.start(`busy loop ${index + 1}`, 'sh', ['-c', 'while :; do :; done']);
    return new BusyLoops(Array.from({ length: count }, loop));
  }

  /** Whether every one still spins. */
  get running(): boolean {
    return this.loops.every((loop) => loop.running);
  }

  async stop(): Promise<void> {
    await Promise.all(this.loops.map((loop) => loop.stop('SIGKILL')));
  }
}
