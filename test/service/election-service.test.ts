/** The service between the machine and the twin of the kernel: what goes where, in which order. */
import { describe, expect, it } from 'vitest';
import type { NodeEvent } from '../../firmware/core/node/node-io.ts';
import { ElectionService } from '../../firmware/service/election-service.ts';
import { nodeConfiguration, PLAIN_PAIR, pairVips, type VipPlan } from '../simulator/pair-plan.ts';
import { Prng } from '../simulator/prng.ts';
import { Schedule } from '../simulator/schedule.ts';
import { SimulatedKernel } from '../simulator/simulated-kernel.ts';
import { SimulatedDevice, SimulatedMachine } from '../simulator/simulated-machine.ts';
import { SimulatedSegment } from '../simulator/simulated-segment.ts';

const VIPS = pairVips(PLAIN_PAIR);
const configurationOf = (vips: readonly VipPlan[]) =>
  nodeConfiguration({ role: 'primary', pair: PLAIN_PAIR, vips });

function scene() {
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
    machine.devices.set(device.device, device);
  });
  const sent: string[] = [];
  const kernel = new SimulatedKernel(machine, new Prng(2), {
    transmitted: (device) => sent.push(device),
  });
  const events: NodeEvent[] = [];
  const told: unknown[] = [];
  let messageSpan = 0;
  const service = new ElectionService({
    kernel,
    configuration: configurationOf(VIPS),
    maintenance: false,
    hooks: {
      onEvent: (event) => events.push(event),
      onMessage: (message) => {
        told.push(message);
        schedule.runUntil(schedule.now + messageSpan);
      },
      onRemember: (maintenance) => told.push({ maintenance }),
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
    const { schedule, service, run } = scene();
    run(2_900_000);
    schedule.runUntil(3_100_000);
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
