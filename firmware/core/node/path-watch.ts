/**
 * Segments that are broken between the nodes, so that somebody is told which cable or switch.
 *
 * By beats: the peer is heard on another path but not on this one, though the link is up. By
 * advertisements: every VHID on an interface is silent while the master is heard elsewhere; then
 * something on the segment stops multicast.
 */
import type { FailoverGroup } from '../election/failover-group.ts';
import type { PeerRelation } from '../peer/peer-relation.ts';
import type { Instant } from '../time.ts';
import type { Bulletin } from './bulletin.ts';

export interface WatchedPaths {
  readonly groups: Iterable<FailoverGroup>;
  readonly relation: PeerRelation | undefined;
}

export function watchPaths(
  { groups, relation }: WatchedPaths,
  bulletin: Bulletin,
  now: Instant,
): void {
  const broken = new Map<string, string>();
  for (const group of groups) {
    if (isAnySilent(group, now)) namesSilent(group, relation, broken, now);
  }
  if (relation?.isBinding === true) namesBroken(relation, broken, now);
  for (const [code, text] of broken) bulletin.alert(code, text, now);
  bulletin.clearOthers(/^path:/, broken);
}

function namesSilent(
  group: FailoverGroup,
  relation: PeerRelation | undefined,
  broken: Map<string, string>,
  now: Instant,
): void {
  const { heard, silent } = interfacesOf(group, now);
  const byBeats = relation?.isBinding === true && relation.beat?.serving === true;
  if (heard.size === 0 && !byBeats) return;
  const elsewhere = byBeats ? 'by its beats' : `on ${[...heard].join(', ')}`;
  for (const place of silent) {
    const what = `but its advertisements do not arrive on ${place}: is multicast blocked?`;
    broken.set(`path:${place}`, `the master is heard ${elsewhere}, ${what}`);
  }
}

function namesBroken(relation: PeerRelation, broken: Map<string, string>, now: Instant): void {
  const name = relation.beat?.node ?? 'the peer';
  for (const { interface: place, far } of relation.paths.all) {
    if (far?.usable === false) broken.set(`path:${place}`, `${name} has no link on ${place}`);
  }
  for (const { interface: place } of relation.paths.broken(now)) {
    broken.set(`path:${place}`, `no beats of ${name} arrive on ${place}`);
  }
}

/** Only a BACKUP listens. */
function isAnySilent({ state, memberships }: FailoverGroup, now: Instant): boolean {
  if (state !== 'BACKUP') return false;
  for (const each of memberships.values()) if (each.usable && each.isSilent(now)) return true;
  return false;
}

function interfacesOf(
  group: FailoverGroup,
  now: Instant,
): { readonly heard: ReadonlySet<string>; readonly silent: ReadonlySet<string> } {
  const usable = [...group.memberships.values()].filter((each) => each.usable);
  const heard = new Set(
    usable.filter((each) => !each.isSilent(now)).map(({ member }) => member.interface),
  );
  const silent = new Set(usable.map(({ member }) => member.interface)).difference(heard);
  return { heard, silent };
}
