// What a node's election costs: the processor time of the one thread of its process that runs with
// real-time priority.
import { readdirSync, readFileSync } from 'node:fs';

/** Of /proc/PID/task/TID/stat after the name in parentheses (proc(5)); `state` is field 0. */
const POLICY_FIELD = 38;
const SCHED_FIFO = '1';

/** Nanoseconds on a processor so far: schedstat's first field. Throws without such a thread. */
function realtimeNanoseconds(pid: number): bigint {
  const tasks = `/proc/${pid}/task`;
  for (const thread of readdirSync(tasks)) {
    const stat = readFileSync(`${tasks}/${thread}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[POLICY_FIELD] !== SCHED_FIFO) continue;
    return BigInt(readFileSync(`${tasks}/${thread}/schedstat`, 'utf8').split(' ')[0] ?? 0);
  }
  throw new Error(`process ${pid} has no thread with real-time priority`);
}

/** Measures from its creation on. */
export class ThreadLoad {
  private readonly pid: number;
  private readonly from: bigint;
  private readonly begun: bigint;

  constructor(pid: number) {
    this.pid = pid;
    this.from = realtimeNanoseconds(pid);
    this.begun = process.hrtime.bigint();
  }

  /** Share of one processor, 0..1. */
  share(): number {
    const passed = process.hrtime.bigint() - this.begun;
    return Number(realtimeNanoseconds(this.pid) - this.from) / Number(passed);
  }
}
