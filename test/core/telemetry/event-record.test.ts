// One event, one line.
import { expect, test } from 'vitest';
import { formatEventRecord } from '../../../firmware/core/telemetry/event-record.ts';

test('an event is a line with time, kind, VIP and text', () => {
  const record = { id: 1, at: '2026-03-01T12:00:00.123Z', kind: 'transition', node: 'a' } as const;
  expect(formatEventRecord({ ...record, text: 'BACKUP -> MASTER: silence' })).toBe(
    '2026-03-01 12:00:00.123  transition     BACKUP -> MASTER: silence',
  );
  expect(formatEventRecord({ ...record, vip: 'lan', text: 'claimed' })).toBe(
    '2026-03-01 12:00:00.123  transition     lan: claimed',
  );
});
