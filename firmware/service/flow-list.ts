/** The kernel's connections as lines, those with the most bytes first. */
import { ConntrackDump } from '../kernel/conntrack-dump.ts';
import { type FlowLine, flowLine } from '../wire/flow-line.ts';

/** Those in whose lines all the words are to be found. */
export function flowList(words: readonly string[]): string[] {
  const found: FlowLine[] = [];
  const dump = new ConntrackDump();
  dump.start('flow');
  const take = (view: DataView, at: number, length: number): boolean => {
    const line = flowLine(new Uint8Array(view.buffer, view.byteOffset + at, length));
    if (line !== undefined && words.every((word) => line.text.includes(word))) found.push(line);
    return true;
  };
  while (dump.step(take) === 'more');
  return found.toSorted((one, other) => other.bytes - one.bytes).map(({ text }) => text);
}
