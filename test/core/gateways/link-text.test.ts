/** VLANs and bonds in the order in which they can be made. */
import { expect, test } from 'vitest';
import type { MadeLink } from '../../../firmware/core/configuration/pair-configuration.ts';
import { linkText } from '../../../firmware/core/gateways/link-text.ts';

const on = (device: string, made?: MadeLink) => ({
  name: device,
  device,
  made,
  addresses: [],
  gateway: undefined,
  peer: undefined,
});

test('bonds first, then VLANs, those within others last', () => {
  const interfaces = [
    on('eth9'),
    on('inner', { kind: 'vlan', parent: 'bond-lan.10', id: 20 }),
    on('bond-lan.10', { kind: 'vlan', parent: 'bond-lan', id: 10 }),
    on('bond-lan', { kind: 'bond', members: ['eth1', 'eth2'], mode: '802.3ad' }),
  ];
  expect(linkText({ interfaces })).toBe(
    'bond bond-lan mode 802.3ad members eth1 eth2\n' +
      'vlan bond-lan.10 parent bond-lan id 10\n' +
      'vlan inner parent bond-lan.10 id 20\n',
  );
  expect(linkText({ interfaces: [on('eth9')] })).toBe('');
});
