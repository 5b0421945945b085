/** The whole table is read, whatever pauses whoever reads it makes. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { NamespaceProcess } from './json-lines.ts';
import { Segment } from './segment.ts';

interface Dumped {
  readonly found: readonly string[];
  readonly step: string;
}

let segment: Segment;
let reader: NamespaceProcess;

beforeEach(() => {
  segment = new Segment();
  reader = segment.startProgram('conntrack-driver.ts');
});

afterEach(() => segment.remove());

function insert(port: number): void {
  const flow = `-p udp -s 10.0.0.1 -d 10.9.0.1 --sport ${port} --dport 53 -t 100`;
  segment.run(`conntrack -I ${flow}`);
}

test('an empty table is complete', async () => {
  expect(await reader.call('dump')).toEqual({ found: [], step: 'complete' });
});

test('what there was no room for is shown again', async () => {
  for (const port of [1, 2, 3]) insert(port);
  const { found } = await reader.call<Dumped>('dump');
  expect(found).toHaveLength(3);
  const hesitant = await reader.call<Dumped>('hesitantDump');
  expect(hesitant.step).toBe('complete');
  expect(hesitant.found.toSorted()).toEqual(found.toSorted());
});
