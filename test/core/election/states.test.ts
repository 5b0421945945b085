/** Every cell of the election's table, against what was written by hand from CARP and DESIGN. */
import { describe, expect, it } from 'vitest';
import {
  type Event,
  publicState,
  type State,
  TABLE,
} from '../../../firmware/core/election/states.ts';

const STATES: readonly State[] = ['INIT', 'BACKUP', 'CLAIMANT', 'MASTER', 'LAPSED'];

/** One row per event, one column per state in the order of STATES; `-` is ignored. */
const EXPECTED: Readonly<Record<Event, readonly [string, string, string, string, string]>> = {
  usable: ['BACKUP: restart-timers', '-', '-', '-', '-'],
  unusable: [
    '-',
    'INIT: stop-timers',
    'INIT: stop-timers',
    'INIT: release stop-timers',
    'INIT: release stop-timers',
  ],
  better: [
    '-',
    'BACKUP: restart-timer',
    'BACKUP: restart-timers',
    'BACKUP: release goodbye restart-timers',
    'BACKUP: release restart-timers',
  ],
  'better-master': [
    '-',
    'BACKUP: restart-timer',
    'BACKUP: restart-timers',
    'BACKUP: release restart-timers',
    'BACKUP: release restart-timers',
  ],
  equal: [
    '-',
    'BACKUP: restart-timer',
    'BACKUP: restart-timers',
    'MASTER: assert',
    'BACKUP: release restart-timers',
  ],
  worse: ['-', 'BACKUP: restart-timer', '-', 'MASTER: assert', 'BACKUP: release restart-timers'],
  preemptible: [
    '-',
    'CLAIMANT: challenge',
    '-',
    'MASTER: assert',
    'BACKUP: release restart-timers',
  ],
  hopeless: ['-', 'MASTER: claim', 'MASTER: claim', 'MASTER: assert', 'MASTER: claim'],
  silence: ['-', 'MASTER: claim', '-', '-', '-'],
  interval: ['-', '-', 'CLAIMANT: advertise', 'MASTER: advertise', '-'],
  skew: ['-', '-', 'BACKUP: goodbye restart-timers', 'MASTER: advertise-all', '-'],
  'step-aside': [
    '-',
    '-',
    'BACKUP: goodbye restart-timers',
    'BACKUP: release goodbye restart-timers',
    'BACKUP: release goodbye restart-timers',
  ],
  stop: [
    '-',
    'INIT: stop-timers',
    'INIT: goodbye stop-timers',
    'INIT: release goodbye stop-timers',
    'INIT: release goodbye stop-timers',
  ],
  patience: ['-', '-', 'MASTER: claim', '-', '-'],
  lapsed: ['-', '-', 'BACKUP: goodbye restart-timers', 'LAPSED:', '-'],
  safe: ['-', '-', '-', '-', 'MASTER: claim'],
  unsafe: ['-', '-', '-', '-', 'BACKUP: release goodbye restart-timers'],
  claimed: ['-', '-', '-', 'MASTER: present', '-'],
  inherit: ['-', 'MASTER: claim', '-', '-', '-'],
  'claim-late': ['-', '-', '-', 'BACKUP: release restart-timers', '-'],
  'claim-failed': ['-', '-', '-', 'BACKUP: release goodbye restart-timers', '-'],
  granted: ['-', 'MASTER: claim', 'MASTER: claim', '-', 'MASTER: claim'],
  'handed-over': ['-', '-', '-', 'BACKUP: linger restart-timers', 'BACKUP: linger restart-timers'],
};

const EVENTS = Object.keys(EXPECTED) as Event[];

const cells = STATES.flatMap((state, column) =>
  EVENTS.map((event) => ({ state, event, expected: EXPECTED[event][column] ?? 'missing' })),
);

describe('the table of the election', () => {
  it('has exactly these states and events', () => {
    expect(Object.keys(TABLE).sort()).toEqual([...STATES].sort());
    for (const state of STATES)
      expect(Object.keys(TABLE[state]).sort()).toEqual([...EVENTS].sort());
  });

  it.each(cells)('$state, $event: $expected', ({ state, event, expected }) => {
    const cell = TABLE[state][event];
    const found = 'ignore' in cell ? '-' : `${cell.next}: ${cell.actions.join(' ')}`.trimEnd();
    expect(found).toBe(expected);
  });

  it('gives a reason for every cell in which nothing happens', () => {
    for (const { state, event } of cells) {
      const cell = TABLE[state][event];
      if ('ignore' in cell) expect(cell.ignore).toMatch(/\w+ \w+/);
    }
  });

  it('lets only a claim lead to MASTER, and releases before it says good-bye', () => {
    for (const { state, event } of cells) {
      const cell = TABLE[state][event];
      if ('ignore' in cell) continue;
      const { next, actions } = cell;
      if (next === 'MASTER' && state !== 'MASTER') expect(actions[0]).toBe('claim');
      if (next !== 'MASTER') expect(actions).not.toContain('claim');
      const holds = state === 'MASTER' || state === 'LAPSED';
      if (holds && next !== 'MASTER' && next !== 'LAPSED') {
        expect(actions[0]).toBe(event === 'handed-over' ? 'linger' : 'release');
      }
    }
  });
});

describe('what others see of a state', () => {
  it.each([
    ['INIT', 'INIT'],
    ['BACKUP', 'BACKUP'],
    ['CLAIMANT', 'BACKUP'],
    ['MASTER', 'MASTER'],
    ['LAPSED', 'BACKUP'],
  ] as const)('%s is %s', (state, seen) => expect(publicState(state)).toBe(seen));
});
