/**
 * What is known of the peer, written down for the status document.
 */
import type { Membership } from '../election/membership.ts';
import { publicState } from '../election/states.ts';
import type { PeerPath } from '../peer/peer-path.ts';
import type { PeerRelation } from '../peer/peer-relation.ts';
import type { HeardSnapshot, PathSnapshot, PeerSnapshot } from '../telemetry/snapshot.ts';
import { between, type Instant, toMilliseconds } from '../time.ts';
import type { FailoverNode } from './failover-node.ts';

export function peerSnapshot(node: FailoverNode, now: Instant): PeerSnapshot {
  const memberships = [...node.groups.values()].flatMap((group) => [...group.memberships.values()]);
  const { relation } = node.conduct;
  const beat = relation?.beat;
  return {
    reachable: isReachable(node, memberships, now),
    verdict: relation?.verdict ?? 'unknown',
    node: beat?.node ?? null,
    role: beat?.role ?? null,
    state: beat === undefined ? null : publicState(beat.state),
    health: beat?.health ?? null,
    demotion: beat?.demotion ?? null,
    lastBeatMs: age(relation?.liveness.heardAt, now),
    sameConfiguration: beat === undefined ? null : (relation?.hasSameConfiguration ?? null),
    paths: paths(relation, now),
    heard: memberships.flatMap((membership) => heardSnapshot(membership, now)),
  };
}

function isReachable(
  { conduct, state }: FailoverNode,
  memberships: readonly Membership[],
  now: Instant,
): boolean | null {
  const { relation } = conduct;
  if (relation !== undefined && relation.verdict !== 'unknown') return relation.isBinding;
  // Nobody speaks to a MASTER: its silence says nothing.
  const unheard = state === 'MASTER' ? null : false;
  return memberships.some((each) => heardLately(each, now)) || unheard;
}

function paths(relation: PeerRelation | undefined, now: Instant): readonly PathSnapshot[] {
  if (relation === undefined) return [];
  return relation.paths.all.map((path) => ({
    interface: path.interface,
    address: path.peerAddress ?? null,
    up: isUp(path, now),
    lastBeatMs: age(path.heardAt, now),
  }));
}

function isUp(path: PeerPath, now: Instant): boolean | null {
  if (path.peerAddress === undefined) return null;
  const brokenAt = path.brokenAt();
  return path.usable && path.heardAt !== undefined && (brokenAt === undefined || now < brokenAt);
}

function age(at: Instant | undefined, now: Instant): number | null {
  return at === undefined ? null : Math.round(toMilliseconds(between(at, now)));
}

function heardLately({ heard, deadTime }: Membership, now: Instant): boolean {
  return heard !== undefined && between(heard.at, now) < deadTime;
}

function heardSnapshot({ heard, member }: Membership, now: Instant): readonly HeardSnapshot[] {
  if (heard === undefined) return [];
  const { source, pace, at } = heard;
  return [
    { vip: member.name, source, ...pace, agoMs: Math.round(toMilliseconds(between(at, now))) },
  ];
}
