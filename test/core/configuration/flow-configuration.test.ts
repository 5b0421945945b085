/** When flows are replicated, and which. */
import { describe, expect, it } from 'vitest';
import {
  checkDocument,
  type Documents,
} from '../../../firmware/core/configuration/document-check.ts';
import { flowConfiguration } from '../../../firmware/core/configuration/flow-configuration.ts';

const KEYS = { key: new Uint8Array(32), nameSeed: new Uint8Array(16) };
const LAN = { device: 'eth1', address: '192.168.1.2/24' };
const SYNC = { device: 'eth2', address: ['2001:db8::1/64', '172.16.1.1/30'], peer: '172.16.1.2' };
const VIP = { name: 'lan', interface: 'lan', vhid: 1, address: '192.168.1.1/24' };

function documents(flows: unknown, interfaces: unknown = { lan: LAN, sync: SYNC }): Documents {
  const node = checkDocument('node', { node: 'a', role: 'primary', interfaces });
  const written = flows === undefined ? {} : { flows };
  const cluster = checkDocument('cluster', { cluster: 'c', vips: [VIP], ...written });
  if (!node.ok || !cluster.ok) throw new Error(JSON.stringify([node, cluster]));
  return { node: node.value, cluster: cluster.value };
}

describe('flows are replicated', () => {
  it('by default, between the addresses of one family on the sync cable', () => {
    expect(flowConfiguration(documents(undefined), KEYS)).toEqual({
      device: 'eth2',
      address: '172.16.1.1',
      peer: '172.16.1.2',
      ...KEYS,
      excludedNetworks: [],
      excludedProtocols: [],
    });
  });

  it('not without a secret, without a sync cable, or when that is not wanted', () => {
    expect(flowConfiguration(documents(undefined), undefined)).toBeUndefined();
    expect(flowConfiguration(documents(undefined, { lan: LAN }), KEYS)).toBeUndefined();
    expect(flowConfiguration(documents({ enabled: false }), KEYS)).toBeUndefined();
  });

  it('but for what is left out', () => {
    const exclude = { networks: ['10.9.0.0/16'], protocols: ['gre', 50] };
    expect(flowConfiguration(documents({ exclude }), KEYS)).toMatchObject({
      excludedNetworks: [{ address: '10.9.0.0', prefix: 16 }],
      excludedProtocols: [47, 50],
    });
  });
});

it('a protocol nobody knows is refused with what is known', () => {
  const exclude = { protocols: ['tpc'] };
  const check = checkDocument('cluster', { cluster: 'c', vips: [VIP], flows: { exclude } });
  expect(check).toMatchObject({
    ok: false,
    problems: [{ expected: 'a list of protocols such as [icmp, gre, 50]' }],
  });
});
