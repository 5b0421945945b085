// Sessions from client to server that rest until they are asked something.

import type { ProbeEvent } from './probe-process.ts';
import { ProbeProcess } from './probe-process.ts';
import type { Rack } from './rack.ts';
import { SERVER } from './rack-plan.ts';
import type { Station } from './station.ts';

export interface AskedSessions extends ProbeEvent {
  readonly sessions: number;
  readonly answered: number;
  /** To the server they come from the same address and port as at the beginning. */
  readonly same: number;
  /** Addresses they come from, as the server sees them. */
  readonly from: readonly string[];
}

const PORT = 7010;
const PROGRAM = new URL('./session-probe.ts', import.meta.url).pathname;
const PATIENCE_MS = 20_000;

export class Sessions {
  private readonly probe: ProbeProcess;

  private constructor(probe: ProbeProcess) {
    this.probe = probe;
  }

  /** The server's end, once for all sessions of a rack. */
  static async serve(rack: Rack, { namespace }: Station = rack.server, port = PORT): Promise<void> {
    const args = [PROGRAM, 'serve', String(port)];
    await ProbeProcess.attach(namespace.start('session server', process.execPath, args));
  }

  /** Opens them and has each answered once. */
  static async open(
    rack: Rack,
    kind: 'tcp' | 'udp',
    count: number,
    address = SERVER.address,
    { namespace }: Station = rack.client,
    port = PORT,
  ): Promise<Sessions> {
    const args = [PROGRAM, 'connect', address, String(port), kind, String(count)];
    const process_ = namespace.start(`${kind} sessions`, process.execPath, args);
    return new Sessions(await ProbeProcess.attach(process_));
  }

  /** Every session says a word now. */
  ask(): Promise<AskedSessions> {
    const asked = this.probe.next<AskedSessions>('asked', PATIENCE_MS);
    this.probe.process.writeLine('ask');
    return asked;
  }
}
