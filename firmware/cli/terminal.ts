/**
 * What a command reads from and writes to. When the reader goes away
 * (`yoke events --follow | head -1`) the program ends quietly, as every tool in a pipe does.
 */
import { createInterface } from 'node:readline';

export interface Terminal {
  /** Text for stdout; a line end is added. */
  print(text: string): void;
  /** Text for stderr; a line end is added. */
  complain(text: string): void;
  /** Replaces what is on the screen; without a screen the text is appended. */
  redraw(text: string): void;
  /**
   * One line from stdin; the question is only shown to a person. Undefined at the end of the input,
   * or when the person gives up.
   */
  ask(question: string): Promise<string | undefined>;
  /** Aborted when the user or the reader wants no more. */
  readonly ended: AbortSignal;
}

const HOME_AND_CLEAR = '\x1b[H\x1b[2J\x1b[3J';

/** The process's own. */
export function processTerminal(): Terminal {
  const controller = new AbortController();
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      // A full disk or a closed terminal behind the output must not end a gateway.
      if (error.code === 'EPIPE') controller.abort();
    });
  }
  const print = (text: string) => void process.stdout.write(`${text}\n`);
  return {
    print,
    complain: (text) => void process.stderr.write(`${text}\n`),
    redraw: (text) => print(process.stdout.isTTY ? HOME_AND_CLEAR + text : text),
    ask: lineFromStdin,
    ended: controller.signal,
  };
}

function lineFromStdin(question: string): Promise<string | undefined> {
  const { stdin, stderr } = process;
  const reader = createInterface(stdin.isTTY ? { input: stdin, output: stderr } : { input: stdin });
  return new Promise((resolve) => {
    const end = (line: string | undefined): void => {
      resolve(line);
      reader.close();
    };
    reader.on('line', end);
    reader.on('SIGINT', () => end(undefined));
    reader.on('error', () => end(undefined));
    reader.on('close', () => resolve(undefined));
    if (!stdin.isTTY) return;
    reader.setPrompt(question);
    reader.prompt();
  });
}
