/**
 * Whether a node is as well with a new configuration as it was before.
 */
import type { Snapshot } from '../telemetry/snapshot.ts';

/** What of the status document is looked at. */
export type HealthFacts = Pick<Snapshot, 'state' | 'vips' | 'links' | 'demotions' | 'peer'>;

/** They come and go by themselves when something is started again. */
const PASSING = new Set(['boot', 'flows', 'late']);

/** What is worse than before, one line for people; undefined when nothing is. */
export function healthProblem(before: HealthFacts, now: HealthFacts): string | undefined {
  if (before.state === 'MASTER' && now.state !== 'MASTER') return 'it serves no more';
  if (before.state === 'BACKUP' && now.state === 'INIT') return 'it can serve no more';
  const former = new Set(before.demotions.map(({ reason }) => reason));
  const fresh = now.demotions.find(({ reason }) => !former.has(reason) && !PASSING.has(reason));
  if (fresh !== undefined) return `it is demoted: ${fresh.reason}`;
  const silent = now.vips.find(({ state }) => now.state === 'MASTER' && state !== 'MASTER');
  const wasSilent = before.vips.some((vip) => vip.name === silent?.name && vip.state !== 'MASTER');
  if (silent !== undefined && !wasSilent) return `VIP ${silent.name} is not served`;
  const gone = now.links.find(({ present }) => !present);
  const wasGone = before.links.some(({ name, present }) => name === gone?.name && !present);
  if (gone !== undefined && !wasGone) return `there is no device ${gone.device}`;
  if (before.peer.verdict === 'alive' && now.peer.verdict === 'dead') return 'it lost its peer';
  return undefined;
}
