// What yoke-agent does for gateways, on one node of the rack (gateway-process.ts).
import type { GatewaySnapshot } from '../../firmware/service/gateway-service.ts';
import { eventually } from './eventually.ts';
import type { RackNode } from './node.ts';
import type { RackProcess } from './rack-process.ts';

const PROGRAM = new URL('./gateway-process.ts', import.meta.url).pathname;
const PATIENCE_MS = 30_000;

interface Said {
  readonly event?: string;
  readonly snapshot?: GatewaySnapshot;
}

export class GatewayWatcher {
  private readonly process: RackProcess;

  private constructor(process: RackProcess) {
    this.process = process;
  }

  /** Once the routes are applied. The node's configuration must be written already. */
  static async start(node: RackNode): Promise<GatewayWatcher> {
    const { config, runtime } = node.directories;
    const args = [PROGRAM, config, runtime];
    const watcher = new GatewayWatcher(
      node.namespace.start(`gateways on ${node.name}`, process.execPath, args),
    );
    await watcher.said(({ event }) => (event === 'watching' ? true : undefined));
    return watcher;
  }

  snapshot(): Promise<GatewaySnapshot> {
    const answer = this.said(({ snapshot }) => snapshot);
    this.process.writeLine('');
    return answer;
  }

  /** Once the gateway's state is this one and its groups have followed. */
  async untilState(gateway: string, state: string): Promise<void> {
    let seen = '';
    const ask = async () => {
      const { gateways } = await this.snapshot();
      seen = JSON.stringify(gateways);
      return gateways.some((each) => each.name === gateway && each.state === state) || undefined;
    };
    const options = { patienceMs: PATIENCE_MS, seen: () => seen };
    await eventually(`gateway ${gateway} is ${state}`, ask, options);
  }

  private said<T>(pick: (said: Said) => T | undefined): Promise<T> {
    return this.process.nextLine((line) => {
      return line.startsWith('{') ? pick(JSON.parse(line) as Said) : undefined;
    }, PATIENCE_MS);
  }
}
