/** What processes of a node have used: processor time and memory, as proc(5) tells. */
import { readFileSync } from 'node:fs';
import type { RackNode } from '../rack/node.ts';

export interface ProcessUse {
  /** User and system time of all threads, microseconds; known to 10 ms. */
  readonly cpuUs: number;
  readonly rssBytes: number;
}

const TICK_US = 10_000;
const PAGE_BYTES = 4096;

/** Ids of the processes of a node whose command line (words end in NUL) is so. */
export function processesOf(node: RackNode, isMeant: (commandLine: string) => boolean): number[] {
  return node.namespace.pids().filter((pid) => {
    try {
      return isMeant(readFileSync(`/proc/${pid}/cmdline`, 'latin1'));
    } catch {
      return false; // ended meanwhile
    }
  });
}

export function useOf(node: RackNode, isMeant: (commandLine: string) => boolean): ProcessUse {
  let [cpuUs, rssBytes] = [0, 0];
  for (const pid of processesOf(node, isMeant)) {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    cpuUs += ((fields[11] ?? 0) + (fields[12] ?? 0)) * TICK_US;
    rssBytes += (fields[21] ?? 0) * PAGE_BYTES;
  }
  return { cpuUs, rssBytes };
}
