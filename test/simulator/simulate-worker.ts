/** A thread of `make simulate`: lives through the seeds it is sent, one after another. */
import { parentPort } from 'node:worker_threads';
import { seedReport } from './seed-report.ts';

parentPort?.on('message', (seed: number) => parentPort?.postMessage(seedReport(seed)));
