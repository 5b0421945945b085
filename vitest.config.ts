/**
 * Two projects. `unit` runs files side by side; `rack` builds whole networks on this machine, or
 * holds real leases of tens of milliseconds, so its files run one after another, after everything
 * else, and may take long.
 */
import { defineConfig } from 'vitest/config';

const ALONE = [
  'test/rack/**/*.test.ts',
  'test/kernel/linux-kernel.test.ts',
  'test/kernel/lease-table.test.ts',
  'test/kernel/lease-chains.test.ts',
  'test/kernel/datagram-sockets.test.ts',
];

export default defineConfig({
  test: {
    // Caches written by a run as root would be in the way of the next run as an ordinary user.
    cache: false,
    fsModuleCache: false,
    pool: 'forks',
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ALONE,
          testTimeout: 30_000,
          maxWorkers: '100%',
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'rack',
          include: ALONE,
          testTimeout: 180_000,
          hookTimeout: 60_000,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
