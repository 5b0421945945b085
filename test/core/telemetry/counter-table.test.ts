/** Counters by name. */
import { describe, expect, it } from 'vitest';
import { CounterTable } from '../../../firmware/core/telemetry/counter-table.ts';

describe('the table of counters', () => {
  it('counts from nothing and lists by name', () => {
    const table = new CounterTable();
    expect(table.get('carp.lan.received')).toBe(0);
    table.add('carp.wan.received');
    table.add('carp.lan.received', 3);
    table.add('carp.lan.received');
    expect(Object.entries(table.list())).toEqual([
      ['carp.lan.received', 4],
      ['carp.wan.received', 1],
    ]);
  });
});
