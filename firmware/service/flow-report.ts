/** What the replication has to tell, written down for the status document. */
import type { FlowAlerts } from '../core/flows/flow-alerts.ts';
import type { FlowsReport } from '../core/telemetry/flows-snapshot.ts';
import type { Instant } from '../core/time.ts';
import { type FlowRefusal, flowRefusals } from '../wire/flow-refusals.ts';
import type { FlowService } from './flow-service.ts';

interface Moment {
  readonly now: Instant;
  /** Milliseconds since 1970 at `now`. */
  readonly wallClock: number;
}

export function flowsReport(
  service: FlowService,
  alerts: FlowAlerts,
  { now, wallClock }: Moment,
): FlowsReport {
  const status = service.replication.status(now);
  const { own, copies, peerOwn, peerCopies, session, joined, joining } = status;
  const peer = peerOwn === undefined ? null : peerOwn + (peerCopies ?? 0);
  const counters = countersOf(service, status);
  const { refused, malformed } = service.injector.counts;
  return {
    flows: {
      local: own + copies,
      peer: session ? peer : null,
      own,
      copies,
      divergence: Math.max(status.divergence, status.peerDivergence),
      lagMs: session ? status.roundTripUs / 1000 : null,
      synced: joined && session,
      progress: joined ? 1 : (joining ?? 0),
      errors: refused + malformed + service.overruns,
      memoryBytes: status.memoryBytes,
      counters,
    },
    alerts: alerts.list(now).map(({ code, text, since }) => ({
      code,
      text,
      since: new Date(wallClock - (now - since) / 1000).toISOString(),
    })),
    ready: alerts.isReady(now),
  };
}

function countersOf(
  service: FlowService,
  status: ReturnType<FlowService['replication']['status']>,
): Record<string, number> {
  const { injector, refusals, overruns, events, refusedFrames, channel } = service;
  const counters: Record<string, number> = {
    events,
    overruns,
    'frames.sent': status.framesSent,
    'frames.received': status.framesReceived,
    'frames.resent': status.framesResent,
  };
  for (const [name, count] of Object.entries(injector.counts)) counters[`kernel.${name}`] = count;
  for (const [errno, count] of injector.refusals) counters[`kernel.errno-${errno}`] = count;
  for (const [name, number] of Object.entries(flowRefusals) as [FlowRefusal, number][]) {
    counters[`ignored.${name}`] = refusals[-number] ?? 0;
  }
  for (const [name, count] of refusedFrames) counters[`refused.frame-${name}`] = count;
  for (const [name, count] of channel.refused) counters[`refused.datagram-${name}`] = count;
  for (const part of ['outbound', 'inbound', 'walks'] as const) {
    for (const [name, count] of Object.entries(status[part])) counters[`${part}.${name}`] = count;
  }
  return counters;
}
