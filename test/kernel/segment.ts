/**
 * Two network namespaces and the cable between them:
 *
 *     node:  lan (10.5.0.2 and .3, 2001:db8::2 and ::3) ---- host  :host
 *
 * Names carry the process id, so tests run side by side. Removed as a whole, processes included.
 */
import { execFileSync } from 'node:child_process';
import { NamespaceProcess } from './json-lines.ts';

let count = 0;

export class Segment {
  readonly node: string;
  readonly host: string;
  readonly #processes: NamespaceProcess[] = [];

  constructor() {
    count += 1;
    this.node = `yk${process.pid}n${count}`;
    this.host = `yk${process.pid}h${count}`;
    run('ip', 'netns', 'add', this.node);
    run('ip', 'netns', 'add', this.host);
    this.plug();
    this.ip('link set lo up');
  }

  /** Makes the cable, as it is before a node has run. */
  plug(): void {
    run(
      'ip',
      '-n',
      this.node,
      ...words(`link add lan type veth peer name host netns ${this.host}`),
    );
    this.hostIp('link set host address 02:00:00:00:00:99 up');
    // A link-local address that is being checked would change while a test looks at it.
    this.run('sysctl -qw net.ipv6.conf.lan.accept_dad=0');
    this.ip('link set lan up');
    for (const address of ['10.5.0.2/24', '10.5.0.3/24']) this.ip(`address add ${address} dev lan`);
    for (const address of ['2001:db8::2/64', '2001:db8::3/64']) {
      this.ip(`address add ${address} dev lan nodad`);
    }
  }

  /** `ip` inside the node; what it printed. */
  ip(line: string): string {
    return run('ip', '-n', this.node, ...words(line));
  }

  /** `ip` inside the host. */
  hostIp(line: string): string {
    return run('ip', '-n', this.host, ...words(line));
  }

  /** Any program inside the node; what it printed. */
  run(line: string): string {
    return run('ip', 'netns', 'exec', this.node, ...words(line));
  }

  /** Everything a node has changed about the machine, comparable. */
  picture(): string {
    return [
      this.ip('-details address show'),
      this.ip('route show table all'),
      this.ip('-6 route show table all'),
      this.run('nft list ruleset'),
      this.run('sysctl -a --pattern ^net.ipv[46].conf'),
    ].join('\n');
  }

  /** A program of this folder, inside the node. */
  startProgram(program: string): NamespaceProcess {
    return this.#start(this.node, program);
  }

  startNode(): NamespaceProcess {
    return this.startProgram('kernel-driver.ts');
  }

  /** A second node at the other end, with the device `host`. */
  startPeer(): NamespaceProcess {
    return this.#start(this.host, 'kernel-driver.ts');
  }

  startHost(): NamespaceProcess {
    return this.#start(this.host, 'host-driver.ts');
  }

  async remove(): Promise<void> {
    for (const process of this.#processes) await process.kill();
    run('ip', 'netns', 'del', this.node);
    run('ip', 'netns', 'del', this.host);
  }

  #start(namespace: string, program: string): NamespaceProcess {
    const started = new NamespaceProcess(namespace, program);
    this.#processes.push(started);
    return started;
  }
}

const words = (line: string): string[] => line.split(' ');

function run(program: string, ...given: readonly string[]): string {
  return execFileSync(program, given, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}
