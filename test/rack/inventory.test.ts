import { expect, test } from 'vitest';
import { inventoryDifference, takeInventory } from './inventory.ts';
import { Rack } from './rack.ts';

test('whatever is left behind on a node is named', async () => {
  using rack = await Rack.build();
  const node = rack.nodes.a;
  const before = await takeInventory(node);
  expect(inventoryDifference(before, await takeInventory(node))).toEqual([]);

  await node.namespace.ip(
    'link add left0 link lan type macvlan mode bridge',
    'addr add 192.168.1.77/24 dev lan',
  );
  await node.namespace.nft('table inet left {}\n');
  node.namespace.start('sleep', 'sleep', ['600']);

  const difference = inventoryDifference(before, await takeInventory(node)).join('\n');
  for (const leak of ['left0', '192.168.1.77/24', 'inet left', 'processes', 'descriptors']) {
    expect(difference).toContain(leak);
  }
});
