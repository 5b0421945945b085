/** The kernel's connections as lines, the largest or the busiest first. */
import { setTimeout as pause } from 'node:timers/promises';
import { ConntrackDump } from '../kernel/conntrack-dump.ts';
import { countsFlows } from '../kernel/conntrack-settings.ts';
import { type FlowLine, flowLine } from '../wire/flow-line.ts';

const SPAN_MS = 1000;

/** Whether the kernel knows how much passes. */
export const isCounted = countsFlows;

/** Those in whose lines all the words are to be found, with the most bytes first. */
export function flowList(words: readonly string[]): string[] {
  const found = read(words);
  return found.toSorted((one, other) => other.bytes - one.bytes).map(({ text }) => text);
}

/** The same, by what passes in one second; those that rest come last. */
export async function flowRates(words: readonly string[]): Promise<string[]> {
  const before = new Map(read(words).map(({ identity, bytes }) => [identity, bytes]));
  const begun = performance.now();
  await pause(SPAN_MS);
  const seconds = (performance.now() - begun) / 1000;
  return read(words)
    .map(({ identity, bytes, text }) => {
      // One that has begun meanwhile has moved all its bytes in this time.
      const rate = Math.round((bytes - (before.get(identity) ?? 0)) / seconds);
      return { rate, bytes, text: `${rate} bytes/s  ${text}` };
    })
    .toSorted((one, other) => other.rate - one.rate || other.bytes - one.bytes)
    .map(({ text }) => text);
}

function read(words: readonly string[]): FlowLine[] {
  const found: FlowLine[] = [];
  const dump = new ConntrackDump();
  dump.start('flow');
  const take = (view: DataView, at: number, length: number): boolean => {
    const line = flowLine(new Uint8Array(view.buffer, view.byteOffset + at, length));
    if (line !== undefined && words.every((word) => line.text.includes(word))) found.push(line);
    return true;
  };
  while (dump.step(take) === 'more');
  return found;
}
