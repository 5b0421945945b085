// Attacks on a pair with beats: nothing moves while both nodes live, a power loss is noticed all
// the same, and whoever looks is told. The same attacks move a pair without beats: see attacks.ts.
import { expect, test } from 'vitest';
import { ATTACKS } from './attack.ts';
import { tryAttack } from './attack-trial.ts';

/** Soon started, and with many advertisements for the attacker to hear. */
const YOKE = { advertise: { base: 0, skew: { primary: 5, secondary: 10 } } };
const OPTIONS = { steadyMs: 1500, aftermathMs: 1500, yoke: YOKE };

test.each(ATTACKS)('$name', async (attack) => {
  const verdict = await tryAttack(attack, OPTIONS);

  expect(verdict).toMatchObject({ recovered: true, doubleAnswers: 0 });
  // A machine that is too busy for a lease is nothing that an attacker has to be thanked for.
  // A flood fills the one queue that all virtual cables of this machine share; beats are lost.
  const isFair = verdict.lapses === 0 && !attack.name.startsWith('garbage');
  if (isFair) expect(verdict).toMatchObject({ falseTakeovers: 0, takeovers: 1 });
  const { alert } = attack;
  if (alert !== undefined) expect(verdict.alerts.some((code) => alert.test(code))).toBe(true);
});
