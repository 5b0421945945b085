import { expect, test } from 'vitest';
import { formatFormer, parseFormer, readParent } from '../../firmware/kernel/sysctls.ts';

test('former settings survive the way through text', () => {
  const former = { arp_ignore: '0', arp_announce: '2' };
  expect(parseFormer(`noted: ${formatFormer(former)}`)).toEqual(former);
  const here = readParent('lo');
  expect(parseFormer(formatFormer(here))).toEqual(here);
});

test.each(['', 'arp_ignore=1', 'arp_ignore=x arp_announce=y'])(
  '%j names not all of them',
  (text) => {
    expect(parseFormer(text)).toBeUndefined();
  },
);
