// conntrackd, the usual companion of keepalived: replicates connection tracking entries over the
// sync cable and is told of each change of state by the sequence of primary-backup.sh, which
// conntrack-tools ships. With `direct` entries go straight into the peer's kernel
// (DisableExternalCache), and the script leaves out `-t`, which would flush them there a minute
// later.
import { accessSync, chmodSync, constants, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { eventually } from '../eventually.ts';
import type { RackNode } from '../node.ts';
import { NODES, otherLetter, withoutPrefix } from '../rack-plan.ts';
import type { RackProcess } from '../rack-process.ts';

const LOCK_FILE = 'conntrackd.lock';

export interface ConntrackdOptions {
  readonly direct: boolean;
}

export class Conntrackd {
  /** Lines for keepalived's sync group: whom to call when the state changes. */
  readonly notifications: string;
  private readonly process: RackProcess;

  private constructor(process: RackProcess, script: string) {
    this.process = process;
    this.notifications = ['master', 'backup', 'fault']
      .map((state) => `  notify_${state} "${script} ${state}"\n`)
      .join('');
  }

  /** Whether this machine has it. */
  static get installed(): boolean {
    const places = `${process.env['PATH'] ?? ''}${delimiter}/usr/sbin`.split(delimiter);
    return places.some((place) => isProgram(join(place, 'conntrackd')));
  }

  /** Resolves when it answers its own command line. */
  static async start(node: RackNode, options: ConntrackdOptions): Promise<Conntrackd> {
    const { runtime } = node.directories;
    const file = join(runtime, 'conntrackd.conf');
    writeFileSync(file, configuration(node, options));
    const script = join(runtime, 'conntrackd-notify');
    writeFileSync(script, notifyScript(file, options));
    chmodSync(script, 0o755);
    // One that was killed leaves it behind, and then no other starts.
    rmSync(join(runtime, LOCK_FILE), { force: true });
    const daemon = node.namespace.start(`conntrackd on ${node.name}`, 'conntrackd', ['-C', file]);
    await eventually(
      `conntrackd on ${node.name} answers`,
      () => node.namespace.run('conntrackd', ['-C', file, '-s']).catch(() => undefined),
      { seen: () => daemon.said.slice(-5).join('\n') },
    );
    return new Conntrackd(daemon, script);
  }

  async stop(): Promise<void> {
    await this.process.stop();
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function configuration(node: RackNode, { direct }: ConntrackdOptions): string {
  const { runtime } = node.directories;
  const peer = withoutPrefix(NODES[otherLetter(node.letter)].addresses.sync[0] ?? '');
  return `Sync {
  Mode FTFW {
    DisableExternalCache ${direct ? 'On' : 'Off'}
    StartupResync ${direct ? 'On' : 'Off'}
  }
  UDP {
    IPv4_address ${node.address('sync')}
    IPv4_Destination_Address ${peer}
    Port 3780
    Interface sync
    SndSocketBuffer 16777216
    RcvSocketBuffer 16777216
    Checksum on
  }
}
General {
  HashSize 65536
  HashLimit 8000000
  LogFile ${join(runtime, 'conntrackd.log')}
  Syslog off
  LockFile ${join(runtime, LOCK_FILE)}
  UNIX {
    Path ${join(runtime, 'conntrackd.ctl')}
  }
  NetlinkBufferSize 16777216
  NetlinkBufferSizeMaxGrowth 134217728
  NetlinkOverrunResync Off
  NetlinkEventsReliable On
}
`;
}

function notifyScript(file: string, { direct }: ConntrackdOptions): string {
  const steps = (...flags: string[]) => flags.map((flag) => `c ${flag}`).join('; ');
  return `#!/bin/sh
c() { conntrackd -C ${file} "$@" >/dev/null 2>&1; }
case "$1" in
master) ${steps('-c', '-f', '-R', '-B')} ;;
backup) ${direct ? steps('-n') : steps('-t', '-n')} ;;
fault) ${direct ? ':' : steps('-t')} ;;
esac
`;
}
