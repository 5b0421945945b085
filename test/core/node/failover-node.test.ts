/** What the node makes of links, demotions, alerts, commands and configurations. */
import { describe, expect, it } from 'vitest';
import type { PairConfiguration } from '../../../firmware/core/configuration/pair-configuration.ts';
import type { NodeInput } from '../../../firmware/core/node/node-io.ts';
import type { CarpRefusal } from '../../../firmware/wire/carp-reception.ts';
import type { PairPlan } from '../../simulator/pair-plan.ts';
import { configurationOf, deeds, events, found, heard, NodeStage, seen } from './node-stage.ts';

const TAKE = ['claim 1', 'advertise wan 1/0', 'advertise lan 1/0', 'announce wan', 'announce lan'];

const OTHER = { address: '192.168.1.4', prefix: 24 };

const configure = (configuration: PairConfiguration): NodeInput => ({
  kind: 'configure',
  configuration,
});

function without(name: string, pair: Partial<PairPlan> = {}): PairConfiguration {
  const { vips, ...rest } = configurationOf(pair);
  return { ...rest, vips: vips.filter((vip) => vip.name !== name) };
}

function renamed({ interfaces, vips, ...rest }: PairConfiguration): PairConfiguration {
  return {
    ...rest,
    interfaces: interfaces.map((each) => ({ ...each, name: `the-${each.name}` })),
    vips: vips.map((each) => ({
      ...each,
      name: `my-${each.name}`,
      interface: `the-${each.interface}`,
    })),
  };
}

describe('the start', () => {
  it('applies the configuration and is demoted until every interface was looked at', () => {
    const stage = new NodeStage();
    expect(deeds(stage.started)).toEqual(['apply']);
    expect(events(stage.started)[0]).toMatch(/^start: /);
    expect(stage.node.demotions.list().map(({ reason }) => reason)).toEqual(['boot']);
    stage.turn(seen('wan', {}), seen('lan', {}));
    expect(stage.node.demotions.has('boot')).toBe(true);
    stage.turn(seen('sync', { carrier: false }));
    expect(stage.node.demotions.has('boot')).toBe(false);
    expect(stage.node.state).toBe('BACKUP');
  });

  it('serves after silence, and not as a takeover: nobody was there before', () => {
    const stage = new NodeStage().boot();
    const outputs = stage.wait(3_000_000).turn();
    expect(deeds(outputs)).toEqual(TAKE);
    expect(stage.node.state).toBe('MASTER');
    expect(stage.node.bulletin.alerts.list()).toEqual([]);
  });

  it('calls it a takeover when a master was heard before', () => {
    const stage = new NodeStage().boot();
    stage.turn(heard('lan', '1/0'));
    stage.wait(3_000_000).turn();
    expect(stage.node.bulletin.alerts.has('takeover')).toBe(true);
  });

  it('in maintenance stays demoted', () => {
    const stage = new NodeStage({}, true).boot();
    expect(stage.node.maintenance).toBe(true);
    expect(stage.node.demotions.total()).toBe(240);
  });
});

describe('a lost link', () => {
  it('moves the whole node: release, good-bye where it is heard, demotion', () => {
    const stage = new NodeStage().serve();
    const outputs = stage.turn(seen('lan', { carrier: false }));
    expect(deeds(outputs)).toEqual(['release 1', 'advertise wan 255/255']);
    expect(stage.node.demotions.has('link:lan')).toBe(true);
    expect(stage.node.bulletin.alerts.has('link:lan')).toBe(true);
  });

  it('counts as mended after the debounce time', () => {
    const stage = new NodeStage().serve();
    stage.turn(seen('lan', { carrier: false }));
    stage.turn(seen('lan', {}));
    expect(stage.node.demotions.has('link:lan')).toBe(true);
    stage.wait(1_000_000).turn();
    expect(stage.node.demotions.has('link:lan')).toBe(false);
    expect(stage.node.bulletin.alerts.has('link:lan')).toBe(false);
  });

  it('without VIPs on it is an alert and nothing more', () => {
    const stage = new NodeStage().serve();
    expect(deeds(stage.turn(seen('sync', { carrier: false })))).toEqual([]);
    expect(stage.node.bulletin.alerts.has('link:sync')).toBe(true);
    expect(stage.node.demotions.total()).toBe(0);
  });

  it('of a device that comes back applies the plan again', () => {
    const stage = new NodeStage().serve();
    stage.turn(seen('lan', { present: false, carrier: false, addresses: [] }));
    expect(deeds(stage.turn(seen('lan', { addresses: [] })))).toContain('apply');
  });

  it('of a device that came back unseen does so too, as soon as it is usable', () => {
    const stage = new NodeStage().serve();
    stage.problems = [{ code: 'no-device', device: 'eth1', text: 'eth1: no such device' }];
    stage.turn(seen('lan', { carrier: false }), { kind: 'damaged', text: 'the VIPs are gone' });
    stage.wait(3_000_000).turn();
    expect(stage.node.state).toBe('MASTER');
    stage.problems = [];
    const turns = [stage.turn(seen('lan', {}))];
    for (let turn = 0; turn < 120; turn += 1) turns.push(stage.wait(10_000).turn());
    const ofKernel = deeds(turns.flat()).filter((deed) => ['apply', 'claim 1'].includes(deed));
    expect(ofKernel.slice(0, 2)).toEqual(['apply', 'claim 1']);
    expect(stage.node.bulletin.alerts.has('no-device:eth1')).toBe(false);
  });

  it('of a configured address applies the plan once, and is told while it lasts', () => {
    const stage = new NodeStage().serve();
    const gone = seen('sync', { addresses: [] });
    expect(deeds(stage.turn(gone))).toEqual(['apply']);
    expect(deeds(stage.turn(gone))).toEqual([]);
    expect(stage.node.bulletin.alerts.has('address:sync')).toBe(true);
    stage.turn(seen('sync', {}));
    expect(stage.node.bulletin.alerts.has('address:sync')).toBe(false);
  });

  it('counts a missing real address as a lost link', () => {
    const stage = new NodeStage().serve();
    stage.turn(seen('lan', { addresses: found('fe80::2') }));
    expect(stage.node.state).toBe('BACKUP');
    expect(stage.node.demotions.has('link:lan')).toBe(true);
  });
});

describe('maintenance', () => {
  it('leaves, is remembered once, and ends', () => {
    const stage = new NodeStage().serve();
    const entered = stage.turn({ kind: 'maintenance', entered: true });
    expect(entered).toContainEqual({ kind: 'remember', maintenance: true });
    expect(deeds(entered)).toEqual([
      'remember',
      'release 1',
      'advertise wan 255/255',
      'advertise lan 255/255',
    ]);
    const again = stage.turn({ kind: 'maintenance', entered: true });
    expect(deeds(again)).not.toContain('remember');
    const left = stage.turn({ kind: 'maintenance', entered: false });
    expect(left).toContainEqual({ kind: 'remember', maintenance: false });
    expect(stage.node.demotions.total()).toBe(0);
  });
});

describe('the lease', () => {
  it('lost is a lapse; a lapse with an overdue advertisement demotes for 30 s', () => {
    const stage = new NodeStage().serve();
    const outputs = stage.wait(2_000_000).turn();
    expect(events(outputs)[0]).toMatch(/^lease: node: MASTER -> LAPSED/);
    expect(stage.node.demotions.has('late')).toBe(true);
    stage.wait(30_000_000).turn();
    expect(stage.node.demotions.has('late')).toBe(false);
  });

  it('not renewed by the kernel is a lapse, and taken again when nobody can have it', () => {
    const stage = new NodeStage().serve();
    const failed = { kind: 'renewed', group: 1, held: false } as const;
    for (let count = 0; count < 95; count += 1) stage.wait(10_000).turn();
    expect(deeds(stage.wait(10_000).turn())).toContain('renew 1');
    for (let count = 0; count < 10; count += 1) stage.wait(10_000).turn();
    expect(deeds(stage.turn(failed))).toEqual(TAKE);
    // Once more within a second would be without end.
    expect(deeds(stage.turn(failed))[0]).toBe('release 1');
  });

  it('refused by the kernel is given up, with an alert and a demotion for a while', () => {
    const stage = new NodeStage().serve();
    const outputs = stage.turn({ kind: 'claim-failed', group: 1, text: 'no such table' });
    expect(deeds(outputs)).toEqual(['release 1', 'advertise wan 255/255', 'advertise lan 255/255']);
    expect(stage.node.bulletin.alerts.has('claim')).toBe(true);
    expect(stage.node.demotions.has('service:lease')).toBe(true);
  });

  it('that was not asked for in time is given up without a good-bye', () => {
    const stage = new NodeStage().boot();
    stage.verdicts = false;
    expect(deeds(stage.wait(3_000_000).turn())).toEqual(['claim 1']);
    expect(deeds(stage.feed({ kind: 'claim-late', group: 1 }))).toEqual(['release 1']);
    expect(deeds(stage.wait(10_000).turn())).toEqual([]);
    expect(stage.node.state).toBe('BACKUP');
    expect(stage.node.bulletin.alerts.has('claim')).toBe(false);
  });

  it('of another group concerns nobody', () => {
    const stage = new NodeStage().serve();
    expect(deeds(stage.turn({ kind: 'renewed', group: 2, held: false }))).toEqual([]);
  });
});

describe('sending', () => {
  it('that fails three times moves the node', () => {
    const stage = new NodeStage().serve();
    const failed = { kind: 'sent', interface: 'lan', ok: false } as const;
    expect(deeds(stage.turn(failed, failed))).toEqual([]);
    expect(deeds(stage.turn(failed))).toContain('release 1');
    expect(stage.node.demotions.has('send:lan')).toBe(true);
    expect(stage.node.bulletin.alerts.has('send:lan')).toBe(true);
    expect(stage.node.bulletin.counters.get('carp.lan.send-errors')).toBe(3);
  });

  it('is forgiven after a minute, and can fail again', () => {
    const stage = new NodeStage().serve();
    const failed = { kind: 'sent', interface: 'lan', ok: false } as const;
    stage.turn(failed, failed, failed);
    stage.wait(60_000_000).turn();
    expect(stage.node.demotions.has('send:lan')).toBe(false);
    expect(stage.node.bulletin.alerts.has('send:lan')).toBe(false);
    stage.turn(failed, failed, failed);
    expect(stage.node.demotions.has('send:lan')).toBe(true);
  });
});

describe('what was heard', () => {
  it('with our own pace is told: both nodes have the same role', () => {
    const stage = new NodeStage().boot();
    stage.turn(heard('lan', '1/0'));
    expect(stage.node.bulletin.alerts.has('skew:lan')).toBe(true);
  });

  it('while MASTER is a second master, a good-bye is not', () => {
    const stage = new NodeStage().serve();
    stage.turn(heard('lan', '255/255'));
    expect(stage.node.bulletin.alerts.has('second-master:lan')).toBe(false);
    stage.turn(heard('lan', '1/100'));
    expect(stage.node.bulletin.alerts.has('second-master:lan')).toBe(true);
  });

  it('and refused is counted by reason, named, and forgotten after a minute', () => {
    const stage = new NodeStage().boot();
    const refusal: CarpRefusal = {
      ok: false,
      refusal: 'digest',
      vhid: 1,
      hopLimit: 255,
      destination: '224.0.0.18',
      source: '192.168.1.9',
      sourceMac: '02:00:00:00:00:09',
    };
    stage.turn({ kind: 'refused', interface: 'lan', refusal });
    expect(stage.node.bulletin.counters.get('carp.lan.refused.digest')).toBe(1);
    expect(stage.node.bulletin.alerts.has('digest:lan')).toBe(true);
    stage.wait(60_000_000).turn();
    expect(stage.node.bulletin.alerts.has('digest:lan')).toBe(false);
  });
});

describe('counters of advertisements', () => {
  it('differ with every frame and are known again', () => {
    const stage = new NodeStage().boot();
    const outputs = stage.wait(3_000_000).turn();
    const sent = outputs.flatMap((each) => (each.kind === 'advertise' ? [each] : []));
    expect(new Set(sent.map(({ counter }) => counter)).size).toBe(sent.length);
    for (const { vip, device, counter } of sent) {
      expect(stage.node.isRecentCounter(device, vip.vhid, counter)).toBe(true);
    }
    expect(stage.node.isRecentCounter('eth1', 1, 5n)).toBe(false);
    expect(stage.node.isRecentCounter('eth9', 1, 5n)).toBe(false);
  });
});

describe('the virtual MAC address', () => {
  const macs = (outputs: ReturnType<NodeStage['turn']>): (string | undefined)[] =>
    outputs.flatMap((each) => (each.kind === 'advertise' ? [each.sourceMac] : []));

  it('is the sender of a MASTER, never of one who leaves or challenges', () => {
    const stage = new NodeStage().boot();
    const own = '02:00:00:00:00:01';
    expect(macs(stage.turn(heard('lan', '1/240')))).toEqual([own, own]);
    expect(macs(stage.turn(heard('lan', '255/255')))).toEqual([undefined, undefined]);
    expect(macs(stage.turn({ kind: 'maintenance', entered: true }))).toEqual([own, own]);
  });
});

describe('a dual-stack VHID', () => {
  it('is advertised in both families, IPv6 from link-local', () => {
    const stage = new NodeStage({ dualStack: true }).boot();
    const outputs = stage.wait(3_000_000).turn();
    const lan = outputs.flatMap((each) =>
      each.kind === 'advertise' && each.vip.name === 'lan' ? [each] : [],
    );
    expect(lan.map(({ family, source }) => [family, source])).toEqual([
      [4, '192.168.1.2'],
      [6, 'fe80::2'],
    ]);
  });
});

describe('the kernel', () => {
  it('damaged by somebody is repaired under the lease that is held', () => {
    const stage = new NodeStage().serve();
    const outputs = stage.turn({ kind: 'damaged', text: 'the table is gone' });
    expect(deeds(outputs)).toEqual(['apply', ...TAKE]);
  });

  it('damaged again and again is repaired at a falling rate, and every time is counted', () => {
    const stage = new NodeStage().serve();
    const damaged = { kind: 'damaged', text: 'the table is gone' } as const;
    let repairs = 0;
    for (let count = 0; count < 1_000; count += 1) {
      const done = deeds(stage.wait(1_000).turn(damaged));
      repairs += done.filter((each) => each === 'apply').length;
    }
    expect(repairs).toBe(4);
    expect(stage.node.bulletin.counters.get('kernel.damaged')).toBe(1_000);
  });

  it('repaired so slowly that the lease lapsed is not claimed as if it stood', () => {
    const stage = new NodeStage().serve();
    stage.verdicts = false;
    stage.turn({ kind: 'damaged', text: 'the table is gone' });
    expect(deeds(stage.wait(50_000).feed({ kind: 'problems', problems: [] }))).toEqual([]);
    const [group] = stage.node.groups.values();
    expect(group?.state).toBe('LAPSED');
  });

  it('that refuses the plan is asked again', () => {
    const stage = new NodeStage().boot();
    stage.problems = [{ code: 'plan-refused', device: 'kernel', text: 'no buffers' }];
    stage.turn({ kind: 'configure', configuration: configurationOf() });
    stage.problems = [];
    expect(deeds(stage.wait(100_000).turn())).toContain('apply');
    expect(stage.node.bulletin.alerts.has('plan-refused:kernel')).toBe(false);
  });

  it('that cannot take a lease back does not prevent the good-bye', () => {
    const stage = new NodeStage().serve();
    stage.turn({ kind: 'release-failed', group: 1, text: 'no buffers' });
    expect(stage.node.bulletin.alerts.has('release')).toBe(true);
  });

  it('has problems while it has them', () => {
    const stage = new NodeStage().boot();
    const problem = { code: 'no-device', device: 'eth1', text: 'eth1: no such device' };
    stage.turn({ kind: 'problems', problems: [problem] });
    expect(stage.node.bulletin.alerts.has('no-device:eth1')).toBe(true);
    stage.turn({ kind: 'problems', problems: [] });
    expect(stage.node.bulletin.alerts.has('no-device:eth1')).toBe(false);
  });
});

describe('a stop', () => {
  it('is over when the good-byes are said', () => {
    const stage = new NodeStage().serve();
    expect(deeds(stage.turn({ kind: 'stop' }))[0]).toBe('release 1');
    expect(deeds(stage.wait(10_000).turn())).not.toContain('stopped');
    expect(deeds(stage.wait(10_000).turn())).toContain('stopped');
    expect(deeds(stage.wait(10_000).turn())).not.toContain('stopped');
  });

  it('hears nothing more: a link that returns restarts nothing', () => {
    const stage = new NodeStage().serve();
    stage.turn(seen('lan', { carrier: false }));
    stage.turn({ kind: 'stop' });
    const after = [seen('lan', {}), heard('wan', '255/255'), configure(configurationOf())];
    stage.turn(...after, { kind: 'maintenance', entered: true });
    expect(deeds(stage.wait(5_000_000).turn())).toEqual(['advertise wan 255/255']);
    expect(stage.node.state).toBe('INIT');
  });

  it('does not wait for a link that had begun to return', () => {
    const stage = new NodeStage().serve();
    stage.turn(seen('lan', { carrier: false }), seen('wan', { carrier: false }));
    stage.turn(seen('lan', {}));
    stage.turn({ kind: 'stop' });
    stage.wait(1_000_000).turn();
    expect(stage.node.state).toBe('INIT');
  });

  it('of a BACKUP is over at once', () => {
    expect(deeds(new NodeStage().boot().turn({ kind: 'stop' }))).toContain('stopped');
  });
});

describe('a new configuration', () => {
  const serving = { node: ['node'], vip: ['vip:wan', 'vip:lan'] } as const;

  it('that is the old one does nothing on the network', () => {
    const stage = new NodeStage().serve();
    expect(deeds(stage.turn(configure(configurationOf())))).toEqual(['apply']);
  });

  it('that only renames VIPs and interfaces touches nothing', () => {
    for (const failover of ['node', 'vip'] as const) {
      const stage = new NodeStage({ failover }).serve();
      const outputs = stage.turn(configure(renamed(configurationOf({ failover }))));
      expect(deeds(outputs)).toEqual(['apply']);
      expect([...stage.node.interfaces.keys()]).toEqual(['the-wan', 'the-lan', 'the-sync']);
      expect(stage.node.demotions.list()).toEqual([]);
      const names = [...stage.node.groups.values()].map(({ rules }) => rules.name);
      expect(names).toEqual(failover === 'node' ? ['node'] : ['vip:my-wan', 'vip:my-lan']);
    }
  });

  it('that takes a VIP away says nothing of it: a peer would take all of them', () => {
    const stage = new NodeStage().serve();
    const outputs = stage.turn(configure(without('lan')));
    expect(deeds(outputs)).toEqual(['apply']);
    expect(stage.node.state).toBe('MASTER');
  });

  it('that takes a VIP away says good-bye as it was, when it moved alone', () => {
    const stage = new NodeStage({ failover: 'vip' }).serve();
    const { interfaces, ...rest } = without('lan', { failover: 'vip' });
    const left = interfaces.filter(({ name }) => name !== 'lan');
    const outputs = stage.turn(configure({ ...rest, interfaces: left }));
    expect(deeds(outputs)).toEqual(['release 2', 'advertise lan 255/255', 'apply']);
    const plans = [...outputs].flatMap((each) => (each.kind === 'apply' ? [each.plan] : []));
    expect(plans[0]?.interfaces.map(({ device }) => device)).toContain('eth1');
    expect(deeds(stage.wait(10_000).turn())).toContain('advertise lan 255/255');
    const last = stage.wait(10_000).turn();
    expect(deeds(last)).toEqual(['renew 1', 'advertise lan 255/255', 'apply']);
    expect(stage.node.state).toBe('MASTER');
  });

  it('with another address of a VIP advertises it with both digests for a minute', () => {
    const stage = new NodeStage().serve();
    const { vips, ...rest } = configurationOf();
    const more = vips.map((vip) => {
      return vip.name === 'lan' ? { ...vip, addresses: [...vip.addresses, OTHER] } : vip;
    });
    const outputs = stage.turn(configure({ ...rest, vips: more }));
    const said = outputs.flatMap((each) => (each.kind === 'advertise' ? [each] : []));
    expect(said.map(({ vip }) => vip.addresses.length)).toEqual([2, 1]);
    expect(said[0]?.counter).not.toBe(said[1]?.counter);
    expect(stage.node.formerVips('eth1', 1, stage.now)).toHaveLength(1);
    stage.wait(60_000_000);
    expect(stage.node.formerVips('eth1', 1, stage.now)).toHaveLength(1);
    expect(stage.wait(60_000_000).node.formerVips('eth1', 1, stage.now)).toEqual([]);
  });

  it.each([
    ['node', 'vip'],
    ['vip', 'node'],
  ] as const)('that changes the failover mode from %s to %s goes on serving', (from, to) => {
    const stage = new NodeStage({ failover: from }).serve();
    const done = deeds(stage.turn(configure(configurationOf({ failover: to }))));
    expect(done.filter((each) => each.includes('255/255'))).toEqual([]);
    expect(done.findLastIndex((each) => each.startsWith('claim'))).toBeLessThan(
      done.findIndex((each) => each.startsWith('release')),
    );
    const states = [...stage.node.groups.values()].map(({ rules, state }) => [rules.name, state]);
    expect(states).toEqual(serving[to].map((name) => [name, 'MASTER']));
  });

  it('that joins a MASTER and a BACKUP leaves properly', () => {
    const stage = new NodeStage({ failover: 'vip' }).boot();
    stage.wait(1_000_000).turn(heard('wan', '1/0'));
    stage.wait(2_000_000).turn();
    const done = deeds(stage.turn(configure(configurationOf({ failover: 'node' }))));
    expect(done).toEqual(['release 2', 'advertise lan 255/255', 'apply']);
    expect(stage.node.state).toBe('BACKUP');
  });

  it('that removes a broken interface ends what was said of it', () => {
    const stage = new NodeStage().serve();
    stage.turn(seen('lan', { carrier: false }));
    const failed = { kind: 'sent', interface: 'lan', ok: false } as const;
    stage.turn(failed, failed, failed);
    const { interfaces, ...rest } = without('lan');
    const left = interfaces.filter(({ name }) => name !== 'lan');
    stage.turn(configure({ ...rest, interfaces: left }));
    expect(stage.node.demotions.list()).toEqual([]);
    expect([...stage.node.groups.values()].map(({ demotion }) => demotion)).toEqual([0]);
    expect(stage.node.bulletin.alerts.list()).toEqual([]);
  });

  it('that moves the VIPs off a broken interface ends its demotion', () => {
    const stage = new NodeStage().serve();
    stage.turn(seen('lan', { carrier: false }));
    stage.turn(configure(without('lan')));
    expect(stage.node.demotions.list()).toEqual([]);
    expect(stage.node.bulletin.alerts.has('link:lan')).toBe(true);
  });

  it('with another device of an interface waits until that was looked at', () => {
    const stage = new NodeStage().serve();
    const { interfaces, ...rest } = configurationOf();
    const others = interfaces.map((each) => {
      return each.name === 'lan' ? { ...each, device: 'eth7' } : each;
    });
    stage.turn(configure({ ...rest, interfaces: others }));
    expect(stage.node.interfaces.get('lan')?.link.observed).toBe(false);
    expect(stage.node.state).toBe('MASTER');
    expect(deeds(stage.turn(seen('lan', {})))).toEqual([
      'claim 1',
      'advertise lan 1/0',
      'announce lan',
    ]);
  });

  it('without VIPs leaves nothing to serve', () => {
    const stage = new NodeStage().serve();
    stage.turn({ kind: 'configure', configuration: { ...configurationOf(), vips: [] } });
    expect(stage.node.state).toBe('INIT');
  });
});

describe('failover: vip', () => {
  it('gives each VIP its own group and lease', () => {
    const stage = new NodeStage({ failover: 'vip' }).boot();
    stage.wait(1_000_000).turn(heard('wan', '1/0'));
    const outputs = stage.wait(2_000_000).turn();
    expect(deeds(outputs)).toEqual(['claim 2', 'advertise lan 1/0', 'announce lan']);
    expect([...stage.node.groups.values()].map(({ state }) => state)).toEqual(['BACKUP', 'MASTER']);
  });
});
