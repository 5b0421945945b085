/** The service between the machine and the twin of the kernel: what goes where, in which order. */
import { describe, expect, it } from 'vitest';
import type { NodeEvent } from '../../firmware/core/node/node-io.ts';
import { ElectionService } from '../../firmware/service/election-service.ts';
import { decodePeerBeat, encodePeerBeat, type PeerBeat } from '../../firmware/wire/peer-beat.ts';
import { PeerChannel } from '../../firmware/wire/peer-channel.ts';
import {
  nodeConfiguration,
  type PairPlan,
  PLAIN_PAIR,
  pairVips,
  type VipPlan,
} from '../simulator/pair-plan.ts';
import { Prng } from '../simulator/prng.ts';
import { Schedule } from '../simulator/schedule.ts';
import { SimulatedKernel } from '../simulator/simulated-kernel.ts';
import { SimulatedDevice, SimulatedMachine } from '../simulator/simulated-machine.ts';
import { SimulatedSegment } from '../simulator/simulated-segment.ts';

const VIPS = pairVips(PLAIN_PAIR);
const BEATING: PairPlan = { ...PLAIN_PAIR, beatMilliseconds: 10 };
const configurationOf = (vips: readonly VipPlan[], pair = PLAIN_PAIR) =>
  nodeConfiguration({ role: 'primary', pair, vips });

interface SentDatagram {
  readonly device: string;
  readonly destination: string;
  readonly bytes: Uint8Array;
}

/** The twin of the kernel, but datagrams go to a list: the peer is the test. */
class DatagramKernel extends SimulatedKernel {
  readonly datagrams: SentDatagram[] = [];

  override sendDatagram(device: string, destination: string, bytes: Uint8Array): boolean {
    this.datagrams.push({ device, destination, bytes });
    return true;
  }
}

function scene(pair = PLAIN_PAIR) {
  const schedule = new Schedule();
  const machine = new SimulatedMachine('primary', schedule, 0);
  ['wan', 'lan', 'sync'].forEach((name, index) => {
    const segment = new SimulatedSegment(name, schedule, new Prng(1));
    const device = new SimulatedDevice(
      'primary',
      `eth${index}`,
      segment,
      `02:00:00:00:00:0${index}`,
    );
    machine.addDevice(device);
  });
  const sent: string[] = [];
  const kernel = new DatagramKernel(machine, new Prng(2), {
    transmitted: (device) => sent.push(device),
    entered: () => undefined,
  });
  const events: NodeEvent[] = [];
  const told: unknown[] = [];
  let messageSpan = 0;
  const service = new ElectionService({
    kernel,
    configuration: configurationOf(VIPS, pair),
    maintenance: false,
    hooks: {
      onEvent: (event) => events.push(event),
      onMessage: (message) => {
        told.push(message);
        schedule.runUntil(schedule.now + messageSpan);
      },
      onRemember: (maintenance) => told.push({ maintenance }),
      onHandoverEnded: (ok, text) => told.push({ handover: ok, text }),
      onStopped: () => told.push('stopped'),
    },
  });
  const messageTakes = (span: number): void => {
    messageSpan = span;
  };
  const turn = (): void => service.turn(kernel.wait());
  /** Turns until the time has come, each when the service asked for it. */
  const run = (span: number): void => {
    const end = schedule.now + span;
    turn();
    for (;;) {
      const next = service.nextTimeout();
      if (next === undefined || next > end) break;
      schedule.runUntil(next);
      turn();
    }
    schedule.runUntil(end);
  };
  return { schedule, machine, kernel, service, events, told, sent, turn, run, messageTakes };
}

describe('the service', () => {
  it('applies the plan before anything else, and learns the links from it', () => {
    const { machine, service, turn } = scene();
    expect([...machine.macvlans.keys()]).toEqual(['eth0/200', 'eth1/1']);
    expect(service.node.state).toBe('INIT');
    turn();
    expect(service.node.state).toBe('BACKUP');
  });

  it('claims, advertises and keeps the lease alive', () => {
    const { machine, service, sent, run } = scene();
    run(5_000_000);
    expect(service.node.state).toBe('MASTER');
    expect(machine.answers('eth1', 1)).toBe(true);
    expect(new Set(sent)).toEqual(new Set(['eth0', 'eth1']));
  });

  it('turns a refused claim into a retreat', () => {
    const { machine, service, events, run } = scene();
    machine.refusesClaims = true;
    run(3_100_000);
    expect(service.node.state).toBe('BACKUP');
    expect(service.node.bulletin.alerts.has('claim')).toBe(true);
    expect(events.map(({ kind }) => kind)).toContain('alert');
  });

  it('turns a lapsed lease into a new claim when it is safe', () => {
    const { machine, kernel, service, events, run } = scene();
    // Not so soon after the claim that the next one would be in vain too.
    run(4_500_000);
    kernel.release(1);
    run(20_000);
    expect(events.map(({ kind }) => kind)).toContain('lease');
    expect(service.node.state).toBe('MASTER');
    expect(machine.answers('eth1', 1)).toBe(true);
  });

  it('counts frames that it refuses', () => {
    const { kernel, service, turn } = scene();
    turn();
    kernel.enqueue('eth1', new Uint8Array(5));
    turn();
    expect(service.node.bulletin.counters.get('carp.lan.refused.short')).toBe(1);
  });

  it('passes messages on and remembers maintenance', () => {
    const { service, told } = scene();
    service.turn([{ kind: 'message', message: 'hello' }]);
    service.maintain(true);
    expect(told).toEqual(['hello', { maintenance: true }]);
  });

  it('reconfigures without letting go of what stays', () => {
    const { machine, service, run } = scene();
    run(3_100_000);
    const guest = { name: 'guest', interface: 'lan', vhid: 9, addresses: ['192.168.1.77/24'] };
    service.reconfigure(configurationOf([...VIPS, guest]));
    run(1_000);
    expect(machine.answers('eth1', 1)).toBe(true);
    expect(machine.answers('eth1', 9)).toBe(true);
    service.reconfigure(configurationOf(VIPS));
    run(1_000);
    expect(machine.macvlans.has('eth1/9')).toBe(false);
    expect(machine.answers('eth1', 1)).toBe(true);
  });

  it('is stopped when its good-byes are said', () => {
    const { machine, service, told, run } = scene();
    run(3_100_000);
    service.stop();
    expect(machine.answers('eth1', 1)).toBe(false);
    expect(told).toEqual([]);
    run(20_000);
    expect(told).toEqual(['stopped']);
  });

  it('decides nothing while frames are left to be read, but not for ever', () => {
    const { schedule, kernel, service, run } = scene();
    run(2_900_000);
    schedule.runUntil(3_100_000);
    kernel.wait();
    for (let count = 0; count < 64; count += 1) service.turn([{ kind: 'more' }]);
    expect(service.node.state).toBe('BACKUP');
    service.turn([{ kind: 'more' }]);
    expect(service.node.state).toBe('MASTER');
  });

  it('renews leases before each message', () => {
    const { schedule, kernel, service, run, messageTakes } = scene();
    run(3_100_000);
    schedule.runUntil(schedule.now + 10_000);
    messageTakes(20_000);
    const message = { kind: 'message', message: 'slow' } as const;
    service.turn([message, message, message, message]);
    expect(kernel.renew(1)).toBe(true);
  });

  it('says good-bye although the lease cannot be given back', () => {
    const { machine, service, sent, run } = scene();
    run(3_100_000);
    machine.refusesReleases = true;
    sent.length = 0;
    service.maintain(true);
    expect(sent).toEqual(['eth0', 'eth1']);
    expect(service.node.bulletin.alerts.has('release')).toBe(true);
    expect(service.node.state).toBe('BACKUP');
  });

  it('tells a plan that the kernel refuses, and asks again', () => {
    const { machine, service, run } = scene();
    run(3_100_000);
    machine.refusesPlans = true;
    service.reconfigure(configurationOf(VIPS));
    expect(service.node.bulletin.alerts.has('plan-refused:kernel')).toBe(true);
    machine.refusesPlans = false;
    run(200_000);
    expect(service.node.bulletin.alerts.has('plan-refused:kernel')).toBe(false);
    expect(service.node.state).toBe('MASTER');
  });
});

/** The other node, as far as this one can tell: beats on the sync cable. */
class PeerDouble {
  /** The last beat of the service. */
  heard: PeerBeat | undefined;
  /** What it says of itself. */
  says: Partial<PeerBeat> = {};
  readonly #scene: ReturnType<typeof scene>;
  readonly #channel: PeerChannel;
  #sequence = 0;

  constructor(around: ReturnType<typeof scene>) {
    const key = around.service.node.configuration.beatKey;
    const prng = new Prng(3);
    this.#scene = around;
    if (key === undefined) throw new Error('no key');
    this.#channel = new PeerChannel({ key, random: (length) => prng.bytes(length) });
  }

  send(bytes: Uint8Array | undefined): void {
    if (bytes === undefined) return;
    const from = { device: 'eth2', source: '172.16.1.2' };
    this.#scene.service.turn([{ kind: 'datagram', ...from, bytes }]);
  }

  greet(): void {
    this.send(this.#channel.greet());
    this.listen();
  }

  listen(): void {
    for (const { bytes } of this.#scene.kernel.datagrams.splice(0)) {
      const outcome = this.#channel.open(bytes, () => true);
      if (outcome.kind === 'message') this.heard = decodePeerBeat(outcome.plaintext);
      if (outcome.kind === 'reply') this.send(outcome.bytes);
    }
  }

  /** Beats for so long, microseconds; grants what it is asked for. */
  beat(span: number): void {
    for (let passed = 0; passed < span; passed += 10_000) {
      this.#sequence += 1;
      const grant = this.heard?.claim ?? 0;
      this.send(this.#channel.seal(encodePeerBeat({ ...this.#self(), grant, ...this.says })));
      this.#scene.run(10_000);
      this.listen();
    }
  }

  #self(): PeerBeat {
    return {
      ...{ node: 'secondary', role: 'secondary', bootId: 2n, sequence: this.#sequence },
      ...{ asks: false, farewell: false, state: 'BACKUP', serving: false, stateAge: 0 },
      ...{ health: 2, demotion: 0, preference: 356, claim: 0, grant: 0, interval: 10_000 },
      ...{ lease: 16_000, heardAge: 0, counterTag: 2, paths: [] },
      configHash: this.#scene.service.node.configuration.clusterHash,
    };
  }
}

function met() {
  const around = scene(BEATING);
  around.turn();
  const peer = new PeerDouble(around);
  peer.greet();
  peer.beat(3_000_000);
  return { ...around, peer };
}

describe('the service and the peer', () => {
  it('greets the peer until it answers, then both tell each other how they are', () => {
    const around = scene(BEATING);
    around.run(1_000_000);
    expect(around.kernel.datagrams).toContainEqual(
      expect.objectContaining({ device: 'eth2', destination: '172.16.1.2' }),
    );
    const peer = new PeerDouble(around);
    peer.listen();
    peer.beat(100_000);
    expect(peer.heard).toMatchObject({ node: 'primary', role: 'primary', health: 2 });
    expect(peer.heard?.heardAge).toBeLessThan(100);
  });

  it('answers where it was asked from', () => {
    const around = scene(BEATING);
    around.turn();
    around.kernel.datagrams.length = 0;
    const peer = new PeerDouble(around);
    const bytes = new PeerChannel({
      key: around.service.node.configuration.beatKey ?? new Uint8Array(32),
      random: (length) => new Prng(9).bytes(length),
    }).greet();
    peer.send(bytes);
    const sent = around.kernel.datagrams.map(({ device, destination }) => [device, destination]);
    expect(sent).toContainEqual(['eth2', '172.16.1.2']);
  });

  it('takes the VIPs when the peer has granted them, and is heard to serve', () => {
    const { machine, service, peer } = met();
    expect(service.node.state).toBe('MASTER');
    expect(machine.answers('eth1', 1)).toBe(true);
    expect(peer.heard).toMatchObject({ state: 'MASTER', serving: true });
  });

  it('counts datagrams that it refuses, by name', () => {
    const { service, peer } = met();
    peer.send(new Uint8Array(5));
    peer.send(new Uint8Array(100).fill(1));
    peer.send(Uint8Array.of(1, 9, 0, 0, 0, 0));
    const { counters } = service.node.bulletin;
    expect(counters.get('beats.sync.refused.short')).toBe(1);
    expect(counters.get('beats.sync.refused.session')).toBe(1);
    expect(counters.get('beats.sync.refused.kind')).toBe(1);
  });

  it('ignores datagrams without a key, and from devices it does not know', () => {
    const { service, kernel, turn } = scene();
    turn();
    const from = { kind: 'datagram', source: '172.16.1.2', bytes: new Uint8Array(100) } as const;
    service.turn([
      { ...from, device: 'eth2' },
      { ...from, device: 'eth9' },
    ]);
    expect(kernel.datagrams).toEqual([]);
    expect(Object.keys(service.node.bulletin.counters.list())).not.toContainEqual(
      expect.stringContaining('refused'),
    );
  });

  it('hands over: lets go first, and grants then', () => {
    const { machine, service, told, peer } = met();
    service.handOver();
    peer.beat(20_000);
    expect(machine.answers('eth1', 1)).toBe(true);
    peer.says = { claim: 9 };
    peer.beat(20_000);
    expect(machine.answers('eth1', 1)).toBe(false);
    expect(peer.heard).toMatchObject({ state: 'BACKUP', serving: false, grant: 9 });
    peer.says = { state: 'MASTER', serving: true };
    peer.beat(50_000);
    expect(told).toContainEqual(expect.objectContaining({ handover: true }));
  });

  it('grants nothing when the kernel does not let go', () => {
    const { machine, service, peer } = met();
    machine.refusesReleases = true;
    service.handOver();
    peer.says = { claim: 9 };
    peer.beat(10_000);
    expect(service.node.bulletin.alerts.has('release')).toBe(true);
    expect(peer.heard?.grant).toBe(0);
  });

  it('says why there is no handover', () => {
    const { service, told, run } = scene();
    run(3_100_000);
    service.handOver();
    expect(told).toEqual([{ handover: false, text: expect.any(String) }]);
  });

  it('goes on under the former secret until there is a session under the new one', () => {
    const { service, kernel, peer } = met();
    service.reconfigure(configurationOf(VIPS, { ...BEATING, key: 5 }));
    kernel.datagrams.length = 0;
    peer.heard = undefined;
    peer.beat(100_000);
    expect(peer.heard).toBeDefined();
  });
});
