/** A thread of `make simulate`: lives through the seeds it is sent, one after another. */
import { parentPort, workerData } from 'node:worker_threads';
import { seedReport } from './seed-report.ts';

const flows = workerData === 'flows';
parentPort?.on('message', (seed: number) => parentPort?.postMessage(seedReport(seed, flows)));
