/** What a comparison has found, as people and programs are told. */
import { describe, expect, it } from 'vitest';
import type { Comparison } from '../../firmware/core/flows/table-comparison.ts';
import { comparisonResult } from '../../firmware/service/comparison-report.ts';

const NONE = { established: 0, other: 0, keys: [] };
const SAME: Comparison = {
  here: 3,
  atPeer: 3,
  missing: NONE,
  surplus: NONE,
  changed: NONE,
  lines: new Uint8Array(0),
  peerLines: new Uint8Array(0),
};

const reading = (...lines: string[]): Uint8Array =>
  new TextEncoder().encode(lines.map((line) => `${line}\n`).join(''));

const resultOf = (found: Partial<Comparison>) =>
  comparisonResult({ ok: true, comparison: { ...SAME, ...found } });

describe('a comparison', () => {
  it('of equal tables is one line', () => {
    const { ok, text, report } = resultOf({});
    expect([ok, text, report?.equal]).toEqual([true, '3 flows here, 3 at the peer: equal', true]);
  });

  it('names differences by what each node has of them', () => {
    const { text, report } = resultOf({
      missing: { established: 1, other: 1, keys: [2n, 4n] },
      surplus: { established: 0, other: 7, keys: [6n] },
      changed: { established: 1, other: 0, keys: [8n] },
      lines: reading('0000000000000002 tcp  one', '0000000000000008 tcp  eight'),
      peerLines: reading('0000000000000006 udp  six', '0000000000000008 tcp  EIGHT'),
    });
    expect(report?.equal).toBe(false);
    expect(text.split('\n')).toEqual([
      '3 flows here, 3 at the peer: they differ',
      'missing at the peer: 1 established, 1 others',
      '  tcp  one',
      '  (gone meanwhile)',
      'surplus at the peer: 0 established, 7 others',
      '  udp  six',
      'in another state at the peer: 1 established, 0 others',
      '  tcp  eight  |  tcp  EIGHT',
    ]);
  });

  it.each([
    ['unanswered flows missing', { missing: { established: 0, other: 3, keys: [] } }, true],
    ['an established flow missing', { missing: { established: 1, other: 0, keys: [] } }, false],
    ['an established flow surplus', { surplus: { established: 1, other: 0, keys: [] } }, false],
    ['a flow not established here', { changed: { established: 0, other: 1, keys: [] } }, false],
  ] as const)('with %s: equal %s', (_, found, equal) => {
    expect(resultOf(found).report?.equal).toBe(equal);
  });

  it('that could not be made says why', () => {
    const result = comparisonResult({ ok: false, why: 'no peer is met' });
    expect(result).toEqual({ ok: false, text: 'not compared: no peer is met' });
  });
});
