/**
 * `make simulate SEED= HOURS=`: random lives of a pair until so many hours have been simulated, on
 * all cores. Every failing seed is printed with the command that replays it.
 *
 *     simulate.ts --hours 100 [--seed N] [--workers N] [--first]
 *     simulate.ts --replay N [--only 3,7,9]    one seed, its plan and its log
 *     simulate.ts --shrink N                   the fewest faults with which it still fails
 *
 * With --flows connections pass through pairs with beats, and have to survive; slower by far.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { type SeedReport, seedReport } from './seed-report.ts';
import { shrink } from './shrinking.ts';

const PROGRESS_MS = 30_000;
/** Fresh seeds are drawn below this. */
const SEEDS = 1_000_000_000;

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    hours: { type: 'string', default: '100' },
    workers: { type: 'string', default: String(availableParallelism()) },
    first: { type: 'boolean', default: false },
    flows: { type: 'boolean', default: false },
    replay: { type: 'string' },
    only: { type: 'string' },
    shrink: { type: 'string' },
  },
});

if (values.replay !== undefined) replay(Number(values.replay), values.only);
else if (values.shrink !== undefined) replay(Number(values.shrink), shrink(Number(values.shrink)));
else if (values.seed !== undefined && Number(values.hours) === 0) replay(Number(values.seed));
else explore(Number(values.seed ?? Math.floor(Math.random() * SEEDS)));

function replay(seed: number, only?: string): void {
  const wanted = only === undefined ? undefined : positions(only);
  const report = seedReport(seed, values.flows, wanted);
  tell(report);
  if (only !== undefined) console.log(`  with the faults ${only} only`);
}

function positions(text: string): ReadonlySet<number> {
  return new Set(text.split(',').filter(Boolean).map(Number));
}

function explore(first: number): void {
  const wanted = Number(values.hours) * 3600;
  const startedAt = performance.now();
  const total = { seconds: 0, seeds: 0, failed: 0 };
  let next = first;
  console.log(`simulating ${values.hours} hours from seed ${first} on`);
  const workers = Array.from({ length: Number(values.workers) }, () => {
    return new Worker(workerUrl(), { workerData: values.flows ? 'flows' : '' });
  });
  const progress = setInterval(() => console.log(`  ${summary()}`), PROGRESS_MS);
  for (const worker of workers) {
    worker.on('message', (report: SeedReport) => {
      total.seconds += report.simulatedSeconds;
      total.seeds += 1;
      if (report.failures.length > 0) {
        total.failed += 1;
        tell(report);
      }
      if (total.seconds < wanted && !(values.first && total.failed > 0)) send(worker);
      else void worker.terminate().then(() => ended(worker));
    });
    send(worker);
  }

  function send(worker: Worker): void {
    worker.postMessage(next);
    next += 1;
  }

  function ended(worker: Worker): void {
    workers.splice(workers.indexOf(worker), 1);
    if (workers.length > 0) return;
    clearInterval(progress);
    console.log(summary());
  }

  function summary(): string {
    const minutes = (performance.now() - startedAt) / 60_000;
    const hours = total.seconds / 3600;
    return (
      `${hours.toFixed(1)} simulated hours in ${minutes.toFixed(1)} minutes ` +
      `(${(hours / minutes).toFixed(1)} hours per minute), ` +
      `${total.seeds} seeds, ${total.failed} failed`
    );
  }
}

function workerUrl(): URL {
  return new URL('./simulate-worker.ts', import.meta.url);
}

function tell({ seed, pair, failures, story, simulatedSeconds, wallSeconds }: SeedReport): void {
  const speed = `${simulatedSeconds.toFixed(0)} s in ${wallSeconds.toFixed(1)} s`;
  console.log(`seed ${seed} (${pair}; ${speed}): ${failures.length === 0 ? 'kept' : 'FAILED'}`);
  for (const failure of failures) console.log(`  ${failure}`);
  if (failures.length === 0) return;
  process.exitCode = 1;
  for (const line of story) console.log(`    ${line}`);
  console.log(`  replay: make simulate SEED=${seed} HOURS=0${values.flows ? ' FLOWS=1' : ''}`);
}
