// How much processor time others on the same host took away from this virtual machine: what is
// measured while they did is their doing as much as ours, and whoever reads a table must know it.
import { readFileSync } from 'node:fs';

/** Fields of the first line of /proc/stat after "cpu" (proc(5)), in ticks over all processors. */
const STOLEN_FIELD = 7;

function ticks(): { stolen: number; all: number } {
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n');
  const fields = line
    .split(/\s+/)
    .slice(1, 1 + STOLEN_FIELD + 1)
    .map(Number);
  return { stolen: fields[STOLEN_FIELD] ?? 0, all: fields.reduce((sum, each) => sum + each, 0) };
}

/** Measures from its creation on. */
export class StolenTime {
  private readonly from = ticks();

  /** Share of all processor time, 0..1. */
  share(): number {
    const now = ticks();
    return (now.stolen - this.from.stolen) / Math.max(1, now.all - this.from.all);
  }

  /** "1.2 %" */
  toString(): string {
    return `${(this.share() * 100).toFixed(1)} %`;
  }
}
