// When a node is worse off with a new configuration than before.
import { describe, expect, test } from 'vitest';
import { type HealthFacts, healthProblem } from '../../../firmware/core/rollout/health-check.ts';
import { exampleSnapshot } from '../telemetry/example-snapshot.ts';

const facts = (changed: Partial<HealthFacts> = {}): HealthFacts => ({
  ...exampleSnapshot({ demotions: [] }),
  ...changed,
});

const demoted = (reason: string): Partial<HealthFacts> => ({
  demotions: [{ reason, weight: 60, since: '', expires: null, owner: 'test' }],
});

const { vips, links, peer } = exampleSnapshot();
const silent = { vips: vips.map((vip) => ({ ...vip, state: 'BACKUP' as const })) };
const gone = { links: links.map((link) => ({ ...link, present: false })) };
const [first] = links;

describe('a MASTER', () => {
  test.each([
    ['is as before', facts(), undefined],
    ['serves no more', facts({ state: 'BACKUP' }), 'it serves no more'],
    ['lost a cable', facts(demoted('link:lan')), 'it is demoted: link:lan'],
    ['starts its flows anew', facts(demoted('flows')), undefined],
    ['does not serve a VIP', facts(silent), `VIP ${vips[0]?.name} is not served`],
    ['has no such device', facts(gone), `there is no device ${first?.device}`],
  ] as const)('%s', (_, now, problem) => {
    expect(healthProblem(facts(), now)).toBe(problem);
  });
});

test('what was amiss before is no reason', () => {
  for (const changed of [demoted('link:lan'), silent, gone]) {
    expect(healthProblem(facts(changed), facts(changed))).toBeUndefined();
  }
});

test('a BACKUP that cannot serve, and a peer that is not heard any more', () => {
  const backup = facts({ state: 'BACKUP' });
  expect(healthProblem(backup, facts({ state: 'INIT' }))).toBe('it can serve no more');
  expect(healthProblem(backup, facts({ state: 'MASTER' }))).toBeUndefined();
  const alive = facts({ peer: { ...peer, verdict: 'alive' } });
  const dead = facts({ peer: { ...peer, verdict: 'dead' } });
  expect(healthProblem(alive, dead)).toBe('it lost its peer');
});
