// Runs one program to its end: the rack's only way to ask ip, nft and sysctl for something. A
// command that fails is the machine's fault and is thrown with what it said on standard error.
import { execFile, execFileSync } from 'node:child_process';

export class CommandError extends Error {
  constructor(program: string, args: readonly string[], said: string) {
    super(`${program} ${args.join(' ')}: ${said.trim() || 'failed'}`);
    this.name = 'CommandError';
  }
}

/** Standard output of the finished command. `input` is written to its standard input. */
export function command(program: string, args: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const limit = { maxBuffer: 64 << 20 };
    const child = execFile(program, [...args], limit, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new CommandError(program, args, stderr || error.message));
    });
    // A program that ends without reading its input closes the pipe: its exit code tells the story.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}

/** As `command`, but blocks: for the removal of racks while the process is about to end. */
export function commandNow(program: string, args: readonly string[]): string {
  return execFileSync(program, [...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}
