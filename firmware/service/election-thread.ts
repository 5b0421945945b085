/**
 * Entry point of the election thread (a worker with real-time priority, see ARCHITECTURE.md).
 *
 * It never returns to its event loop: messages are fetched synchronously when the eventfd says so,
 * and posting works without a loop. What fails here crashes the process, and the lease then takes
 * the VIPs off the network.
 */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { invariant } from '../core/invariant.ts';
import { nodeSnapshot } from '../core/node/node-snapshot.ts';
import { instant, seconds, toMilliseconds } from '../core/time.ts';
import { LinuxKernel } from '../kernel/linux-kernel.ts';
import { enterRealtime } from '../kernel/realtime.ts';
import { ElectionService } from './election-service.ts';
import { RunLoop } from './run-loop.ts';
import type { FromThread, ThreadStart, ToThread } from './thread-messages.ts';

/** Above ordinary work and interrupt threads' default of 50 would be unfair; just below it. */
const PRIORITY = 49;
const SNAPSHOT_PAUSE = seconds(1);

const port = parentPort;
invariant(port !== null, 'the election runs in a worker thread');
const start = workerData as ThreadStart;
const priority = enterRealtime(PRIORITY) ? PRIORITY : null;
const kernel = new LinuxKernel({
  wakeFd: start.wakeFd,
  receive: () => receiveMessageOnPort(port)?.message,
});

/** A moment keeps its wall-clock time from one status to the next, unless the clock is set anew. */
const CLOCK_SET_MS = 500;
let wallOffsetMs = Date.now() - kernel.now() / 1000;

let running = true;
/** Events of this turn. */
const told: FromThread[] = [];
let snapshotAt = 0;
const answers: FromThread[] = [];
/** Commands to hand over, in the order in which they will be answered. */
const handovers: number[] = [];
const post = (message: FromThread): void => port.postMessage(message);

const service = new ElectionService({
  kernel,
  configuration: start.configuration,
  maintenance: start.maintenance,
  hooks: {
    onEvent: (event) => void told.push({ kind: 'event', at: Date.now(), event }),
    onMessage: (message) => obey(message as ToThread),
    onRemember: (maintenance) => post({ kind: 'remember', maintenance }),
    onHandoverEnded(ok, text) {
      const id = handovers.shift();
      if (id !== undefined) answers.push({ kind: 'answer', id, ok, text });
    },
    onStopped() {
      running = false;
    },
  },
});
const loop = new RunLoop(kernel, service);

try {
  publish();
  while (running) {
    loop.turn();
    if (told.length > 0 || answers.length > 0 || kernel.now() >= snapshotAt) publish();
  }
} finally {
  // What led to a crash is what somebody will want to read.
  for (const event of told) post(event);
}
kernel.retire();
post({ kind: 'stopped' });

function obey(message: ToThread): void {
  switch (message.kind) {
    case 'configure':
      service.reconfigure(message.configuration);
      carriedOut(message.id);
      return;
    case 'maintenance':
      service.maintain(message.entered);
      carriedOut(message.id);
      return;
    case 'flows':
      return service.takeFlows(message.ready);
    case 'demotions':
      return service.takeDemotions(message.report);
    case 'handover':
      handovers.push(message.id);
      return service.handOver();
    case 'stop':
      return service.stop();
  }
}

function carriedOut(id: number): void {
  answers.push({ kind: 'answer', id, ok: true, text: '' });
}

/** The snapshot first: whoever gave a command or heard of an event then sees its effect. */
function publish(): void {
  const now = kernel.now();
  snapshotAt = now + SNAPSHOT_PAUSE;
  const drift = Date.now() - now / 1000 - wallOffsetMs;
  if (Math.abs(drift) > CLOCK_SET_MS) wallOffsetMs += drift;
  const wallClock = now / 1000 + wallOffsetMs;
  const snapshot = nodeSnapshot(service.node, { now: instant(now), wallClock });
  const latenessMaxMs = toMilliseconds(loop.latenessMax);
  post({ kind: 'snapshot', snapshot, realtime: { priority, latenessMaxMs } });
  for (const event of told.splice(0)) post(event);
  for (const answer of answers.splice(0)) post(answer);
}
