/** Which address a node speaks from. */
import { describe, expect, it } from 'vitest';
import { sourceAddress } from '../../../firmware/core/addressing/source-address.ts';
import { parseCidr } from '../../../firmware/wire/ip-address.ts';

const OWN = ['10.0.0.9/24', '192.0.2.2/24', '10.0.1.2/24', 'fe80::2/64', '2001:db8:1::2/64'];
const own = OWN.flatMap((text) => parseCidr(text) ?? []);
const configured = new Set(['192.0.2.2', '10.0.1.2', '2001:db8:1::2']);

describe('the source of advertisements', () => {
  it.each([
    [4, undefined, '192.0.2.2'],
    [6, undefined, 'fe80::2'],
    [4, '10.0.1.3', '10.0.1.2'],
    [4, '10.0.0.3', '10.0.0.9'],
    [4, '203.0.113.1', '192.0.2.2'],
    [6, '2001:db8:1::3', '2001:db8:1::2'],
    [6, '2001:db8:2::3', '2001:db8:1::2'],
    [6, 'fe80::3', 'fe80::2'],
    [6, '10.0.1.3', 'fe80::2'],
  ] as const)('in IPv%i to %s is %s', (family, peer, source) => {
    expect(sourceAddress({ own, configured, family, peer })).toBe(source);
  });

  it('to a peer beyond the link is no link-local one', () => {
    const linkLocal = own.filter(({ address }) => address === 'fe80::2');
    const choice = { own: linkLocal, configured, family: 6 as const };
    expect(sourceAddress({ ...choice, peer: '2001:db8:1::3' })).toBeUndefined();
    expect(sourceAddress({ ...choice, peer: undefined })).toBe('fe80::2');
  });
});
