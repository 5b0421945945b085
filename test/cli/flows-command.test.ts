// What people are told by the process that replicates connections; here one that only answers.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { commandLine } from '../../firmware/cli/command-line.ts';
import {
  type ComparisonResult,
  comparisonResult,
} from '../../firmware/service/comparison-report.ts';
import { FlowServer } from '../../firmware/service/flow-server.ts';
import { exampleFlows } from '../core/telemetry/example-flows.ts';
import { Transcript } from './transcript.ts';

const NONE = { established: 0, other: 0, keys: [] };
const NOTHING = new Uint8Array(0);

let directory: string;
let server: FlowServer;
let result: ComparisonResult;
let asked: number[];

const found = (missing: number): ComparisonResult => {
  const differing = { ...NONE, established: missing };
  const flows = { here: 2, atPeer: 2 - missing, missing: differing, surplus: NONE, changed: NONE };
  const comparison = { ...flows, lines: NOTHING, peerLines: NOTHING };
  return comparisonResult({ ok: true, comparison });
};

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'yoke-flows-'));
  asked = [];
  server = new FlowServer(directory, {
    report: () => ({ flows: exampleFlows(), alerts: [], ready: true }),
    resync: () => ({ ok: true, text: 'told' }),
    barrier: async () => ({ ok: true, text: 'reached' }),
    compare: async (examples) => {
      asked.push(examples);
      return result;
    },
  });
  await server.start();
});

afterEach(async () => {
  await server.stop();
  rmSync(directory, { recursive: true });
});

async function yoke(...words: string[]) {
  const terminal = new Transcript();
  const code = await commandLine([...words, '--runtime', directory], terminal);
  return { code, out: terminal.out.join('\n'), err: terminal.err.join('\n') };
}

test('a comparison that finds nothing succeeds; ten examples unless told otherwise', async () => {
  result = found(0);
  const out = '2 flows here, 2 at the peer: equal';
  expect(await yoke('flows', 'compare')).toEqual({ code: 0, out, err: '' });
  expect(await yoke('flows', 'compare', '0')).toEqual({ code: 0, out, err: '' });
  expect(asked).toEqual([10, 0]);
});

test('a comparison that finds established connections missing is not', async () => {
  result = found(1);
  const { code, out } = await yoke('flows', 'compare', '--json');
  expect([code, JSON.parse(out)]).toEqual([1, result.report]);
  expect(await yoke('flows', 'compare')).toMatchObject({ code: 1, out: result.text });
});

test('a comparison that cannot be made says why on stderr', async () => {
  result = { ok: false, text: 'not compared: no peer is met' };
  const err = 'yoke: not compared: no peer is met';
  expect(await yoke('flows', 'compare')).toEqual({ code: 1, out: '', err });
});
