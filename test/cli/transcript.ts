// A terminal that keeps what a command writes, for tests of commands.
import type { Terminal } from '../../firmware/cli/terminal.ts';

export class Transcript implements Terminal {
  readonly out: string[] = [];
  readonly err: string[] = [];
  /** What the person will type. */
  readonly lines: string[] = [];
  readonly #controller = new AbortController();
  readonly ended = this.#controller.signal;
  /** Called after each text on stdout. */
  onPrint: () => void = () => undefined;

  print(text: string): void {
    this.out.push(text);
    this.onPrint();
  }

  redraw(text: string): void {
    this.print(text);
  }

  complain(text: string): void {
    this.err.push(text);
  }

  async ask(): Promise<string | undefined> {
    return this.lines.shift();
  }

  end(): void {
    this.#controller.abort();
  }
}
