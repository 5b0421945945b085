// A network namespace of the rack (man ip-netns): a machine with its own links, routes, sockets and
// rule sets. Names start with the owner's process id, so that racks run side by side and a later
// rack can tell what a crashed one left behind.
import { existsSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { command, commandNow } from './command.ts';
import { RackProcess } from './rack-process.ts';

const NAMES = '/run/netns';

export class Namespace {
  readonly name: string;

  private constructor(name: string) {
    this.name = name;
  }

  static async create(name: string): Promise<Namespace> {
    await command('ip', ['netns', 'add', name]);
    const namespace = new Namespace(name);
    await namespace.ip('link set lo up');
    return namespace;
  }

  /** Every named namespace of this machine, the rack's or not. */
  static names(): string[] {
    return existsSync(NAMES) ? readdirSync(NAMES) : [];
  }

  /** Kills what runs inside and removes the name. Silent when there is nothing left to remove. */
  static removeNow(name: string): void {
    for (const pid of Namespace.pidsOf(name)) kill(pid, 'SIGKILL');
    if (existsSync(`${NAMES}/${name}`)) commandNow('ip', ['netns', 'del', name]);
  }

  private static pidsOf(name: string): number[] {
    const inode = statSync(`${NAMES}/${name}`, { throwIfNoEntry: false })?.ino;
    if (inode === undefined) return [];
    const identity = `net:[${inode}]`;
    return readdirSync('/proc')
      .filter((entry) => /^\d+$/.test(entry) && namespaceOf(entry) === identity)
      .map(Number);
  }

  /** Processes that live in this namespace, children of daemons included. */
  pids(): number[] {
    return Namespace.pidsOf(this.name);
  }

  /**
   * Sends the signal to everything inside, the youngest first: no child outlives its parent.
   * `pids`: those inside, if the caller has looked already.
   */
  signalAll(signal: NodeJS.Signals, pids = this.pids()): void {
    for (const pid of [...pids].sort((x, y) => y - x)) kill(pid, signal);
  }

  /** Runs lines of `ip` in one process: either all or an error that names the line. */
  async ip(...lines: string[]): Promise<void> {
    await command('ip', ['-n', this.name, '-batch', '-'], `${lines.join('\n')}\n`);
  }

  /** Applies a rule set as one nftables transaction. */
  async nft(text: string): Promise<void> {
    await this.run('nft', ['-f', '-'], text);
  }

  /** Runs a program inside to its end and returns what it printed. */
  run(program: string, args: readonly string[], input = ''): Promise<string> {
    return command('ip', ['netns', 'exec', this.name, program, ...args], input);
  }

  /** Starts a program inside and leaves it running. */
  start(name: string, program: string, args: readonly string[]): RackProcess {
    return new RackProcess(name, 'ip', ['netns', 'exec', this.name, program, ...args]);
  }

  async sysctl(settings: Readonly<Record<string, string | number>>): Promise<void> {
    const pairs = Object.entries(settings).map(([key, value]) => `${key}=${value}`);
    await this.run('sysctl', ['-qw', ...pairs]);
  }

  removeNow(): void {
    Namespace.removeNow(this.name);
  }
}

function namespaceOf(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return undefined; // ended between the listing and the look
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
