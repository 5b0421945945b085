/** Which refused frames people hear of, and in which words. */
import { describe, expect, it } from 'vitest';
import { refusalAlert } from '../../../firmware/core/node/refusal-alerts.ts';
import { type CarpRefusal, carpRefusals } from '../../../firmware/wire/carp-reception.ts';

const sender = { source: '192.0.2.9', sourceMac: '02:00:00:00:00:09' };

function refusalOf(refusal: (typeof carpRefusals)[number]): CarpRefusal {
  switch (refusal) {
    case 'short':
    case 'not-carp':
    case 'ip-header':
      return { ok: false, refusal };
    case 'own-source':
    case 'version':
    case 'checksum':
      return { ok: false, refusal, ...sender };
    case 'vrrp2':
    case 'vrrp3':
      return { ok: false, refusal, vrid: 7, priority: 100, ...sender };
    default:
      return { ok: false, refusal, vhid: 7, hopLimit: 64, destination: '192.0.2.1', ...sender };
  }
}

const CODES: Readonly<Record<(typeof carpRefusals)[number], string | undefined>> = {
  short: undefined,
  'not-carp': undefined,
  'ip-header': undefined,
  'own-source': 'loop:lan',
  vrrp2: 'vrrp-conflict:lan',
  vrrp3: 'vrrp-conflict:lan',
  version: undefined,
  checksum: undefined,
  'own-counter': 'loop:lan',
  ttl: 'ttl:lan',
  'unknown-vhid': undefined,
  destination: 'destination:lan',
  'not-peer': 'destination:lan',
  digest: 'digest:lan',
};

describe('a refused frame', () => {
  it.each(carpRefusals)('%s', (refusal) => {
    const alert = refusalAlert('lan', refusalOf(refusal), new Set([7]));
    expect(alert?.code).toBe(CODES[refusal]);
    if (alert !== undefined) expect(alert.text).toMatch(/192\.0\.2\.9|02:00:00:00:00:09/);
  });

  it('of a VRRP neighbour with another id is no conflict', () => {
    const alert = refusalAlert('lan', refusalOf('vrrp2'), new Set([8]));
    expect(alert?.code).toBe('vrrp:lan');
  });
});
