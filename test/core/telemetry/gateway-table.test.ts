/** What `yoke gateways` prints. */
import { expect, test } from 'vitest';
import { gatewayTable } from '../../../firmware/core/telemetry/gateway-table.ts';

test('the state of each gateway, and the groups that use it', () => {
  const levels = { lossLevel: 'up', latencyLevel: 'up' } as const;
  const table = gatewayTable({
    gateways: [
      { name: 'wan1', state: 'down', loss: 1, latencyMs: null, ...levels, lossLevel: 'down' },
      { name: 'wan2', state: 'up', loss: 0.051, latencyMs: 12.34, ...levels },
      { name: 'wan3', state: 'unknown', loss: null, latencyMs: null, ...levels },
    ],
    groups: [
      { name: 'failover', uses: ['wan2'] },
      { name: 'shared', uses: ['wan2', 'wan3'] },
    ],
  });
  expect(table).toEqual([
    'gateway         state     loss    latency     in use by',
    'wan1            down      100 %   -           -',
    'wan2            up        5 %     12.3 ms     failover, shared',
    'wan3            unknown   -       -           shared',
  ]);
  expect(gatewayTable({ gateways: [], groups: [] })).toEqual(['no gateways']);
});
