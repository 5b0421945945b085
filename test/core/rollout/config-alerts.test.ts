// What people are told about the configuration, and when no more.
import { expect, test } from 'vitest';
import { ConfigAlerts } from '../../../firmware/core/rollout/config-alerts.ts';
import type { RolloutJournal } from '../../../firmware/core/rollout/rollout-io.ts';
import { after, instant, seconds } from '../../../firmware/core/time.ts';

const HEAD = { number: 3, id: '3'.repeat(16), hash: '3'.repeat(64) };
const JOURNAL: RolloutJournal = {
  ...{ head: HEAD, synced: true, emergency: false, change: null, failure: null },
};
const WELL = { standing: 'synced', journal: JOURNAL, link: undefined, disk: undefined } as const;
const START = instant(1_000_000);
const at = (count: number) => after(START, seconds(count));

const codes = (alerts: ConfigAlerts, count: number) =>
  alerts.list(at(count)).map(({ code }) => code);

test('nodes that were apart for 15 minutes, and not a second before', () => {
  const alerts = new ConfigAlerts();
  const apart = {
    ...WELL,
    standing: 'offline',
    link: { text: 'ECONNREFUSED', isKey: false },
  } as const;
  alerts.look(apart, at(0));
  alerts.look(apart, at(899));
  expect(codes(alerts, 899)).toEqual([]);
  alerts.look({ ...apart, standing: 'pending' }, at(900));
  expect(codes(alerts, 900)).toEqual(['config-sync']);
  expect(alerts.list(at(900))[0]?.text).toContain('ECONNREFUSED');
  alerts.look(WELL, at(901));
  alerts.look(apart, at(902));
  alerts.look(apart, at(1000));
  expect(codes(alerts, 1000)).toEqual([]);
});

test('each condition has its alert while it lasts', () => {
  const alerts = new ConfigAlerts();
  const failure = { number: 4, text: 'revision 4 refused: office-b: no such interface' };
  const key = { text: 'the other node has another secret', isKey: true };
  alerts.look({ ...WELL, journal: { ...JOURNAL, failure }, link: key, disk: 'full' }, at(0));
  expect(codes(alerts, 0)).toEqual(['config-failed', 'config-key', 'config-disk']);
  alerts.look({ ...WELL, standing: 'diverged' }, at(1));
  expect(codes(alerts, 1)).toEqual(['config-diverged']);
  const flags = { together: true, catchUp: false, live: false, emergency: false };
  const rest = { previous: HEAD, trial: 60_000, reason: '', ...flags };
  const change = { part: 'leader', phase: 'trial', target: HEAD, ...rest } as const;
  alerts.look({ ...WELL, journal: { ...JOURNAL, change } }, at(2));
  expect(codes(alerts, 2)).toEqual(['config-trial']);
  alerts.look(WELL, at(3));
  expect(codes(alerts, 3)).toEqual([]);
});

test('drift that was put right stays in sight for two minutes', () => {
  const alerts = new ConfigAlerts();
  alerts.drift('nftables', 'a rule was gone (put right)', at(0));
  expect(codes(alerts, 119)).toEqual(['config-drift:nftables']);
  expect(codes(alerts, 120)).toEqual([]);
});
