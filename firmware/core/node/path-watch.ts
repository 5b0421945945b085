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

const PATH_CODE = /^path:/;
const NOTHING: ReadonlyMap<string, string> = new Map();

export interface WatchedPaths {
  readonly groups: ReadonlyMap<string, FailoverGroup>;
  readonly relation: PeerRelation | undefined;
}

export function watchPaths(
  { groups, relation }: WatchedPaths,
  bulletin: Bulletin,
  now: Instant,
): void {
  const broken = isAnyBroken({ groups, relation }, now)
    ? namesOf({ groups, relation }, now)
    : NOTHING;
  for (const [code, text] of broken) bulletin.alert(code, text, now);
  bulletin.clearOthers(PATH_CODE, broken);
}

/** In most turns nothing is, and no names are needed. */
function isAnyBroken({ groups, relation }: WatchedPaths, now: Instant): boolean {
  for (const group of groups.values()) if (isAnySilent(group, now)) return true;
  if (relation?.isBinding !== true) return false;
  for (const path of relation.paths.all) {
    if (path.far?.usable === false || path.isBroken(now)) return true;
  }
  return false;
}

function namesOf({ groups, relation }: WatchedPaths, now: Instant): ReadonlyMap<string, string> {
  const broken = new Map<string, string>();
  for (const group of groups.values()) {
    if (isAnySilent(group, now)) namesSilent(group, relation, broken, now);
  }
  if (relation?.isBinding === true) namesBroken(relation, broken, now);
  return broken;
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
