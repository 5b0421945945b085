/** Marks that both nodes and every renderer count alike. */
import { expect, test } from 'vitest';
import {
  GATEWAY_MARK_MASK,
  gatewayMarks,
  gatewayTable,
} from '../../../firmware/core/gateways/gateway-marks.ts';
import { exampleGateway, exampleGroup, exampleRouting, WAN2 } from './example-routing.ts';

test('gateways count from 1 and groups from 128, in the order of their names', () => {
  const routing = exampleRouting({
    gateways: [WAN2, exampleGateway()],
    groups: [exampleGroup({ name: 'shared' }), exampleGroup()],
  });
  expect([...gatewayMarks({ routing })]).toEqual([
    ['wan1', 0x01_0000],
    ['wan2', 0x02_0000],
    ['failover', 0x80_0000],
    ['shared', 0x81_0000],
  ]);
});

test('a hundred and twenty-seven of each stay within the mask and apart', () => {
  const names = Array.from({ length: 127 }, (_, index) => `n${String(index).padStart(3, '0')}`);
  const routing = exampleRouting({
    gateways: names.map((name) => exampleGateway({ name })),
    groups: names.map((name) => exampleGroup({ name: `g${name}` })),
  });
  const marks = [...gatewayMarks({ routing }).values()];
  expect(new Set(marks).size).toBe(254);
  for (const mark of marks) expect([mark & ~GATEWAY_MARK_MASK, mark > 0]).toEqual([0, true]);
  expect(new Set(marks.map(gatewayTable)).size).toBe(254);
});

test('without gateways there are none', () => {
  expect(gatewayMarks({}).size).toBe(0);
});
