/** A process that makes connections, or notes when they appear, inside a node of the rack. */
import type { RackNode } from '../rack/node.ts';
import type { RackProcess } from '../rack/rack-process.ts';

const PROGRAM = new URL('./flow-source.ts', import.meta.url).pathname;
const PATIENCE_MS = 120_000;

export class FlowSource {
  readonly #process: RackProcess;

  constructor(node: RackNode) {
    this.#process = node.namespace.start('flow source', process.execPath, [PROGRAM]);
  }

  /** Seconds it took. */
  create(first: number, count: number, rate: number): Promise<number> {
    return this.#call('create', first, count, rate);
  }

  remove(first: number, count: number, rate: number): Promise<number> {
    return this.#call('remove', first, count, rate);
  }

  /**
   * From now on until `end`: `rate` flows a second that live for so long, while the node has an
   * interface up whose name begins with `prefix`. `begun`: microseconds, the same for both nodes.
   */
  churn(prefix: string, rate: number, lifeSeconds: number, begun: number): void {
    this.#write('churn', [prefix, rate, lifeSeconds, begun]);
  }

  /** When each flow appeared in the kernel, microseconds; 0 for never. */
  collect(first: number, count: number, longestSeconds: number): Promise<number[]> {
    return this.#call('collect', first, count, longestSeconds);
  }

  /** Resolves when `collect` listens. */
  async collecting(): Promise<void> {
    await this.#process.nextLine((line) => (line === 'collecting' ? true : undefined), PATIENCE_MS);
  }

  /** When each flow of the last `create` was handed to the kernel. */
  handedAt(): Promise<number[]> {
    return this.#call('handedAt');
  }

  end(): void {
    this.#process.signal('SIGKILL');
  }

  #write(call: string, given: readonly unknown[]): void {
    this.#process.writeLine(JSON.stringify({ call, given }));
  }

  #call<Result>(call: string, ...given: readonly number[]): Promise<Result> {
    const answer = this.#process.nextLine(
      (line) => (line.startsWith('{"result"') ? line : undefined),
      PATIENCE_MS,
    );
    this.#write(call, given);
    return answer.then((line) => JSON.parse(line).result as Result);
  }
}
