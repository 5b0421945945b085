/** Runs a program of this machine to its end. */
import { execFile } from 'node:child_process';

export interface Finished {
  readonly output: string;
  /** What went wrong, in the program's own words; undefined when nothing did. */
  readonly refusal: string | undefined;
}

const MOST_OUTPUT = 64 << 20;

/** `input`: for its standard input. Never rejects. */
export function runProgram(
  program: string,
  args: readonly string[],
  input = '',
): Promise<Finished> {
  return new Promise((resolve) => {
    const options = { maxBuffer: MOST_OUTPUT, env: { ...process.env, LC_ALL: 'C' } };
    const child = execFile(program, [...args], options, (error, output, said) => {
      const refusal = error === null ? undefined : said.trim() || error.message;
      resolve({ output, refusal });
    });
    // A program that ends without reading its input closes the pipe: its exit code tells the story.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}
