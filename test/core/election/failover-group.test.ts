/**
 * The election machine: every state against every input, then what must hold for any sequence of
 * inputs, then the moments that matter.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GroupInput } from '../../../firmware/core/election/group-io.ts';
import type { State } from '../../../firmware/core/election/states.ts';
import { milliseconds, seconds } from '../../../firmware/core/time.ts';
import { live, steps } from './group-life.ts';
import { GroupStage, LAN, members, RULES, WAN } from './group-stage.ts';

const STATES: readonly State[] = ['INIT', 'BACKUP', 'CLAIMANT', 'MASTER', 'LAPSED'];

const NOTHING = { INIT: '', BACKUP: '', CLAIMANT: '', MASTER: '', LAPSED: '' };
const ANSWER = 'advertise lan 1/100, announce lan';
const TAKE = 'MASTER, claim, advertise lan 1/100, announce lan';
const LEAVE = 'BACKUP, release, advertise lan 255/255';
const WITHDRAW = 'CLAIMANT -> BACKUP, advertise lan 255/255';

interface Row {
  readonly input: string;
  readonly of: (stage: GroupStage) => GroupInput;
  /** What comes out at once, by state. */
  readonly outputs: Readonly<Record<State, string>>;
}

/** One group of one VHID with pace 1/100 and an address between; peers preempt after 10 s only. */
const ROWS: readonly Row[] = [
  { input: 'wake', of: () => ({ kind: 'wake' }), outputs: NOTHING },
  {
    input: 'settled',
    of: () => ({ kind: 'settled' }),
    outputs: { ...NOTHING, LAPSED: `LAPSED -> ${TAKE}` },
  },
  {
    input: 'advertisement of a better node',
    of: (stage) => stage.hear('1/0'),
    outputs: {
      ...NOTHING,
      CLAIMANT: 'CLAIMANT -> BACKUP',
      MASTER: `MASTER -> ${LEAVE}`,
      LAPSED: 'LAPSED -> BACKUP, release',
    },
  },
  {
    input: 'advertisement of a better node that is MASTER',
    of: (stage) => stage.hear('1/0', { serving: true }),
    outputs: {
      ...NOTHING,
      CLAIMANT: 'CLAIMANT -> BACKUP',
      MASTER: 'MASTER -> BACKUP, release',
      LAPSED: 'LAPSED -> BACKUP, release',
    },
  },
  {
    input: 'advertisement of an equal with the higher address',
    of: (stage) => stage.hear('1/100', { source: '192.0.2.9' }),
    outputs: {
      ...NOTHING,
      CLAIMANT: 'CLAIMANT -> BACKUP',
      MASTER: ANSWER,
      LAPSED: 'LAPSED -> BACKUP, release',
    },
  },
  {
    input: 'advertisement of an equal with the lower address',
    of: (stage) => stage.hear('1/100'),
    outputs: {
      ...NOTHING,
      CLAIMANT: 'CLAIMANT -> BACKUP',
      MASTER: `MASTER -> ${LEAVE}`,
      LAPSED: 'LAPSED -> BACKUP, release',
    },
  },
  {
    input: 'advertisement of a worse node',
    of: (stage) => stage.hear('1/150'),
    outputs: { ...NOTHING, MASTER: ANSWER, LAPSED: 'LAPSED -> BACKUP, release' },
  },
  {
    input: 'advertisement of a demoted node',
    of: (stage) => stage.hear('1/240'),
    outputs: {
      ...NOTHING,
      BACKUP: 'BACKUP -> CLAIMANT, advertise lan 1/100',
      MASTER: ANSWER,
      LAPSED: 'LAPSED -> BACKUP, release',
    },
  },
  // Acted on when the turn is settled, see below.
  {
    input: 'good-bye',
    of: (stage) => stage.hear('255/255'),
    outputs: { ...NOTHING, MASTER: ANSWER },
  },
  {
    input: 'advertisement of a node that is too slow',
    of: (stage) => stage.hear('4/0'),
    outputs: { ...NOTHING, MASTER: ANSWER },
  },
  {
    input: 'advertisement for a VIP it does not have',
    of: (stage) => stage.hear('1/0', { vip: 'dmz' }),
    outputs: NOTHING,
  },
  {
    input: 'interface lost',
    of: (stage) => stage.usable('lan', false),
    outputs: {
      INIT: '',
      BACKUP: 'BACKUP -> INIT',
      CLAIMANT: 'CLAIMANT -> INIT',
      MASTER: 'MASTER -> INIT, release',
      LAPSED: 'LAPSED -> INIT, release',
    },
  },
  {
    input: 'interface usable',
    of: (stage) => stage.usable('lan'),
    outputs: { ...NOTHING, INIT: 'INIT -> BACKUP' },
  },
  {
    input: 'loss of an interface without VIPs',
    of: (stage) => stage.usable('dmz', false),
    outputs: NOTHING,
  },
  {
    input: 'demotion',
    of: () => ({ kind: 'demotion', total: 240 }),
    outputs: { ...NOTHING, CLAIMANT: WITHDRAW, MASTER: 'advertise lan 1/240' },
  },
  { input: 'the same demotion', of: () => ({ kind: 'demotion', total: 0 }), outputs: NOTHING },
  {
    input: 'step-aside',
    of: () => ({ kind: 'step-aside', cause: 'maintenance' }),
    outputs: {
      ...NOTHING,
      CLAIMANT: WITHDRAW,
      MASTER: `MASTER -> ${LEAVE}`,
      LAPSED: `LAPSED -> ${LEAVE}`,
    },
  },
  {
    input: 'lease-lost',
    of: () => ({ kind: 'lease-lost' }),
    outputs: { ...NOTHING, CLAIMANT: WITHDRAW, MASTER: 'MASTER -> LAPSED' },
  },
  { input: 'unsent', of: () => ({ kind: 'unsent', interface: 'lan' }), outputs: NOTHING },
  {
    input: 'applied: nothing new',
    of: () => ({ kind: 'applied' }),
    outputs: NOTHING,
  },
  {
    input: 'repaired',
    of: () => ({ kind: 'repaired' }),
    outputs: { ...NOTHING, MASTER: `claim, ${ANSWER}` },
  },
  { input: 'claimed: nothing new', of: () => ({ kind: 'claimed' }), outputs: NOTHING },
  {
    input: 'inherit',
    of: () => ({ kind: 'inherit' }),
    outputs: { ...NOTHING, BACKUP: `BACKUP -> ${TAKE}` },
  },
  {
    input: 'bind: the peer is there',
    of: () => ({ kind: 'bind', bound: true, known: true }),
    outputs: { ...NOTHING, CLAIMANT: WITHDRAW },
  },
  {
    input: 'bind: as before',
    of: () => ({ kind: 'bind', bound: false, known: false }),
    outputs: NOTHING,
  },
  {
    input: 'take: granted',
    of: () => ({ kind: 'take', cause: 'the peer has let go', because: 'granted' }),
    outputs: {
      ...NOTHING,
      BACKUP: `BACKUP -> ${TAKE}`,
      CLAIMANT: `CLAIMANT -> ${TAKE}`,
      LAPSED: `LAPSED -> ${TAKE}`,
    },
  },
  {
    input: 'take: the peer is dead',
    of: () => ({ kind: 'take', cause: 'the peer is silent', because: 'silence' }),
    outputs: { ...NOTHING, BACKUP: `BACKUP -> ${TAKE}` },
  },
  {
    input: 'claim-late',
    of: () => ({ kind: 'claim-late' }),
    outputs: { ...NOTHING, MASTER: `MASTER -> ${LEAVE}` },
  },
  {
    input: 'prepare',
    of: () => ({ kind: 'prepare' }),
    outputs: { ...NOTHING, BACKUP: 'prepare' },
  },
  {
    input: 'hand-over',
    of: () => ({ kind: 'hand-over', cause: 'the peer takes over' }),
    outputs: {
      ...NOTHING,
      MASTER: 'MASTER -> BACKUP, linger',
      LAPSED: 'LAPSED -> BACKUP, linger',
    },
  },
  {
    input: 'yield',
    of: () => ({ kind: 'yield', cause: 'the peer is the better master' }),
    outputs: {
      ...NOTHING,
      CLAIMANT: 'CLAIMANT -> BACKUP',
      MASTER: `MASTER -> ${LEAVE}`,
      LAPSED: 'LAPSED -> BACKUP, release',
    },
  },
  {
    input: 'stand-down',
    of: () => ({ kind: 'stand-down', cause: 'the peer has taken over' }),
    outputs: { ...NOTHING, LAPSED: 'LAPSED -> BACKUP, release' },
  },
  {
    input: 'reassert',
    of: () => ({ kind: 'reassert' }),
    outputs: { ...NOTHING, MASTER: ANSWER },
  },
  {
    input: 'claim-failed',
    of: () => ({ kind: 'claim-failed', text: 'refused' }),
    outputs: { ...NOTHING, MASTER: `MASTER -> ${LEAVE}` },
  },
  {
    input: 'members: another VIP',
    of: () => members([LAN, WAN]),
    outputs: NOTHING,
  },
  {
    input: 'members: none',
    of: () => members([]),
    outputs: {
      INIT: '',
      BACKUP: 'BACKUP -> INIT',
      CLAIMANT: 'CLAIMANT -> INIT',
      MASTER: 'MASTER -> INIT, release',
      LAPSED: 'LAPSED -> INIT, release',
    },
  },
  { input: 'rules', of: () => ({ kind: 'rules', rules: RULES }), outputs: NOTHING },
  {
    input: 'stop',
    of: () => ({ kind: 'stop', cause: 'stopped' }),
    outputs: {
      INIT: '',
      BACKUP: 'BACKUP -> INIT',
      CLAIMANT: 'CLAIMANT -> INIT, advertise lan 255/255',
      MASTER: 'MASTER -> INIT, release, advertise lan 255/255',
      LAPSED: 'LAPSED -> INIT, release, advertise lan 255/255',
    },
  },
];

const KINDS: Readonly<Record<GroupInput['kind'], true>> = {
  wake: true,
  settled: true,
  advertisement: true,
  interface: true,
  demotion: true,
  'step-aside': true,
  'lease-lost': true,
  unsent: true,
  claimed: true,
  'claim-failed': true,
  'claim-late': true,
  applied: true,
  repaired: true,
  bind: true,
  take: true,
  'hand-over': true,
  prepare: true,
  yield: true,
  'stand-down': true,
  reassert: true,
  inherit: true,
  members: true,
  rules: true,
  stop: true,
};

describe('every state, every input', () => {
  it('is enumerated', () => {
    const kinds = new Set(ROWS.map(({ of }) => of(new GroupStage()).kind));
    expect([...kinds].sort()).toEqual(Object.keys(KINDS).sort());
  });

  const cells = ROWS.flatMap((row) => STATES.map((state) => ({ ...row, state })));
  it.each(cells)('$state: $input', ({ state, of, outputs }) => {
    const stage = new GroupStage().reach(state);
    expect(stage.group.state).toBe(state);
    expect(stage.tell(of(stage)).join(', ')).toBe(outputs[state]);
  });

  it.each(['255/255', '4/0'])('a vacancy (%s) is taken when the turn is settled', (pace) => {
    const taken = {
      INIT: '',
      BACKUP: 'BACKUP',
      CLAIMANT: 'CLAIMANT',
      MASTER: '',
      LAPSED: 'LAPSED',
    };
    for (const state of STATES) {
      const stage = new GroupStage().reach(state);
      stage.tell(stage.hear(pace));
      const expected = taken[state] === '' ? '' : `${state} -> ${TAKE}`;
      expect(stage.tell({ kind: 'settled' }).join(', ')).toBe(expected);
    }
  });
});

describe('whatever happens', () => {
  it('speaks as a master only as one, and announces only what it holds', () => {
    fc.assert(
      fc.property(steps, (life) => {
        live(life, (_stage, from, outputs) => {
          let state = from;
          for (const output of outputs) {
            if (output.kind === 'transition') {
              expect(output.from).toBe(state);
              state = output.to;
            }
            const isGoodbye = output.kind === 'advertise' && output.pace.advbase === 255;
            if (output.kind === 'advertise' && !isGoodbye) {
              expect(['MASTER', 'CLAIMANT']).toContain(state);
            }
            if (['announce', 'renew', 'claim'].includes(output.kind)) expect(state).toBe('MASTER');
          }
        });
      }),
    );
  });

  it('holds the lease exactly while it is MASTER', () => {
    fc.assert(
      fc.property(steps, (life) => {
        let holds = false;
        live(life, (stage, _from, outputs) => {
          for (const { kind } of outputs) {
            if (kind === 'claim') holds = true;
            if (kind === 'release' || kind === 'linger') holds = false;
          }
          const { state } = stage.group;
          if (state === 'MASTER') expect(holds).toBe(true);
          else if (state !== 'LAPSED') expect(holds).toBe(false);
        });
      }),
    );
  });

  it('says good-bye only after it has let go', () => {
    fc.assert(
      fc.property(steps, (life) => {
        let holds = false;
        live(life, (_stage, _from, outputs) => {
          for (const output of outputs) {
            if (output.kind === 'claim') holds = true;
            if (output.kind === 'release' || output.kind === 'linger') holds = false;
            const isGoodbye = output.kind === 'advertise' && output.pace.advbase === 255;
            if (isGoodbye) expect(holds).toBe(false);
          }
        });
      }),
    );
  });

  it('says no good-bye when it stands down, or to who serves all it could serve itself', () => {
    fc.assert(
      fc.property(steps, (life) => {
        live(life, (stage, _from, outputs, input) => {
          const heard = input.kind === 'advertisement' ? input.heard : undefined;
          const usable = [...stage.group.memberships.values()].filter((each) => each.usable);
          const isAll = usable.every(({ member }) => member.id === heard?.id);
          const isTie = heard?.pace.advskew === 100 || heard?.pace.advskew === 240;
          const isOutdone = heard?.serving === true && isAll && !isTie;
          if (!isOutdone && input.kind !== 'stand-down') return;
          for (const output of outputs) {
            if (output.kind === 'advertise') expect(output.pace.advbase).not.toBe(255);
          }
        });
      }),
    );
  });

  it('a BACKUP that can hear has a moment at which it takes over, unless beats decide', () => {
    fc.assert(
      fc.property(steps, (life) => {
        let bound = false;
        live(life, (stage, _from, _outputs, input) => {
          if (input.kind === 'bind') bound = input.bound;
          const { state, memberships } = stage.group;
          const usable = [...memberships.values()].some((each) => each.usable);
          if (state === 'BACKUP' && usable && !bound)
            expect(stage.group.nextTimeout()).toBeDefined();
          if (state === 'MASTER') expect(stage.group.nextTimeout()).toBeDefined();
        });
      }),
    );
  });

  it('speaks for no VIP whose interface is unusable', () => {
    fc.assert(
      fc.property(steps, (life) => {
        live(life, (stage, _from, outputs) => {
          for (const output of outputs) {
            if (output.kind !== 'advertise' && output.kind !== 'announce') continue;
            const membership = stage.group.memberships.get(output.member.id);
            if (membership !== undefined) expect(membership.usable).toBe(true);
          }
        });
      }),
    );
  });
});

describe('time', () => {
  it('takes over after three intervals and its skew of silence, not before', () => {
    const stage = new GroupStage().reach('BACKUP');
    expect(stage.wait(3_390_624).turn()).toEqual([]);
    expect(stage.wait(1).turn()).toEqual([`BACKUP -> MASTER`, 'claim', ...ANSWER.split(', ')]);
  });

  it('needs silence on all segments', () => {
    const stage = new GroupStage([LAN, WAN]).reach('BACKUP');
    stage.wait(2_000_000).turn(stage.hear('1/0', { vip: 'wan' }));
    expect(stage.wait(2_000_000).turn()).toEqual([]);
    expect(stage.wait(1_400_000).turn()[0]).toBe('BACKUP -> MASTER');
  });

  it('a MASTER renews its lease at a quarter of it, at the latest every 10 ms', () => {
    const stage = new GroupStage().reach('MASTER');
    expect(stage.wait(9_999).turn()).toEqual([]);
    expect(stage.wait(1).turn()).toEqual(['renew']);
    const short = new GroupStage([LAN], { ...RULES, lease: milliseconds(20) }).reach('MASTER');
    expect(short.wait(5_000).turn()).toEqual(['renew']);
  });

  it('a MASTER that woke after its lease says nothing before it knows', () => {
    const stage = new GroupStage().reach('MASTER').wait(45_000);
    expect(stage.tell({ kind: 'wake' })).toEqual(['MASTER -> LAPSED']);
    expect(stage.tell(stage.hear('1/240'))).toEqual(['LAPSED -> BACKUP', 'release']);
  });

  it('and leaves when its next advertisement is overdue', () => {
    const stage = new GroupStage().reach('MASTER').wait(1_390_625);
    expect(stage.turn()).toEqual(['MASTER -> LAPSED', ...`LAPSED -> ${LEAVE}`.split(', ')]);
  });

  it('advertises at its configured interval, demoted or not', () => {
    const stage = new GroupStage().reach('MASTER');
    stage.turn({ kind: 'demotion', total: 240 });
    const at = [...stage.group.memberships.values()][0]?.advertiseAt ?? 0;
    expect(at - stage.now).toBe(1_390_625);
  });

  it('announces again after 1 s and 2 s, then every minute', () => {
    const stage = new GroupStage().reach('MASTER');
    const begun = stage.now;
    const announced: number[] = [];
    while (stage.now < begun + seconds(125)) {
      stage.wait((stage.group.nextTimeout() ?? stage.now) - stage.now);
      if (stage.turn().includes('announce lan')) announced.push(stage.now - begun);
    }
    expect(announced.map((at) => at / 1_000_000)).toEqual([1, 2, 62, 122]);
  });

  it('repeats its good-bye twice, until a master is heard', () => {
    const stage = new GroupStage().reach('MASTER');
    stage.turn({ kind: 'step-aside', cause: 'maintenance' });
    expect(stage.group.saysGoodbye).toBe(true);
    expect(stage.wait(10_000).turn()).toEqual(['advertise lan 255/255']);
    stage.turn(stage.hear('1/0'));
    expect(stage.group.saysGoodbye).toBe(false);
    expect(stage.wait(10_000).turn()).toEqual([]);
  });

  it('a CLAIMANT repeats its challenge and takes over when the old lease must be over', () => {
    const stage = new GroupStage().reach('CLAIMANT');
    expect(stage.wait(10_000).turn()).toEqual(['advertise lan 1/100']);
    expect(stage.wait(49_999).turn()).toEqual(['advertise lan 1/100']);
    expect(stage.wait(1).turn()[0]).toBe('CLAIMANT -> MASTER');
  });

  it('a CLAIMANT that woke too late withdraws', () => {
    const stage = new GroupStage().reach('CLAIMANT').wait(105_000);
    expect(stage.turn()).toEqual(WITHDRAW.split(', '));
  });

  it('a CLAIMANT that has become better goes on', () => {
    const stage = new GroupStage();
    stage.tell({ kind: 'demotion', total: 50 });
    stage.reach('CLAIMANT');
    expect(stage.turn({ kind: 'demotion', total: 0 })).toEqual([]);
    expect(stage.group.state).toBe('CLAIMANT');
  });

  it('preempts a healthy master only after the delay', () => {
    const stage = new GroupStage().reach('BACKUP');
    for (let second = 0; second < 9; second += 1) stage.wait(1_000_000).turn(stage.hear('1/200'));
    expect(stage.group.state).toBe('BACKUP');
    stage.wait(1_000_000).turn(stage.hear('1/200'));
    expect(stage.group.state).toBe('CLAIMANT');
  });

  it('answers every good-bye at once: the switch has learnt the wrong port', () => {
    const stage = new GroupStage().reach('MASTER');
    for (const pace of ['1/150', '255/255', '255/255', '255/255']) {
      expect(stage.turn(stage.hear(pace))).toEqual(ANSWER.split(', '));
    }
  });

  it('answers those who replay good-byes ten times a second', () => {
    const stage = new GroupStage().reach('MASTER');
    let answers = 0;
    for (let count = 0; count < 1_000; count += 1) {
      const said = stage.wait(1_000).turn(stage.hear('255/255'));
      answers += said.filter((each) => each === 'announce lan').length;
    }
    // Four at once, ten in the second, and the announcement that is repeated.
    expect(answers).toBe(4 + 9 + 1);
  });

  it('sends an advertisement again soon when the kernel did not take it', () => {
    const stage = new GroupStage().reach('MASTER');
    stage.tell({ kind: 'unsent', interface: 'lan' });
    const next = [...stage.group.memberships.values()][0]?.advertiseAt ?? 0;
    expect(next - stage.now).toBe(50_000);
  });
});

describe('a VHID that joins a MASTER', () => {
  const both = (changed: string[] = []): GroupInput =>
    members([LAN, WAN], changed, new Map([['wan', true]]));

  it('is raised and told when the kernel has it, the others are left alone', () => {
    const stage = new GroupStage().reach('MASTER');
    expect(stage.turn(both())).toEqual([]);
    expect(stage.turn({ kind: 'applied' })).toEqual([
      'claim',
      'advertise wan 1/100',
      'announce wan',
    ]);
    expect(stage.turn(both([LAN.id]), { kind: 'applied' })).toEqual([
      'claim',
      ...ANSWER.split(', '),
    ]);
  });

  it('does not revive a lease that has lapsed meanwhile', () => {
    const stage = new GroupStage().reach('MASTER');
    stage.turn(both());
    expect(stage.wait(45_000).tell({ kind: 'applied' })).toEqual(['MASTER -> LAPSED']);
  });

  it('is waited for when it alone may be usable', () => {
    const stage = new GroupStage().reach('MASTER');
    expect(stage.turn(members([WAN]))).toEqual([]);
    expect(stage.turn(stage.usable('wan', false))[0]).toBe('MASTER -> INIT');
  });
});
