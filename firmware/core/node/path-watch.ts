/**
 * Segments that are broken between the nodes: every VHID on an interface is silent while the master
 * is heard on another interface of the same group. The node stays BACKUP, and somebody must be told
 * which cable or switch.
 */
import type { FailoverGroup } from '../election/failover-group.ts';
import type { Instant } from '../time.ts';
import type { Bulletin } from './bulletin.ts';

export function watchPaths(
  groups: Iterable<FailoverGroup>,
  bulletin: Bulletin,
  now: Instant,
): void {
  const broken = new Set<string>();
  for (const group of groups) {
    const { heard, silent } = interfacesOf(group, now);
    if (heard.size === 0) continue;
    for (const place of silent) {
      broken.add(`path:${place}`);
      const text = `the master is heard on ${[...heard].join(', ')} but not on ${place}`;
      bulletin.alert(`path:${place}`, text, now);
    }
  }
  bulletin.clearOthers(/^path:/, broken);
}

/** Only a BACKUP listens. */
function interfacesOf(
  group: FailoverGroup,
  now: Instant,
): { readonly heard: ReadonlySet<string>; readonly silent: ReadonlySet<string> } {
  const listens = group.state === 'BACKUP';
  const usable = [...group.memberships.values()].filter((each) => listens && each.usable);
  const heard = new Set(
    usable.filter((each) => !each.isSilent(now)).map(({ member }) => member.interface),
  );
  const silent = new Set(usable.map(({ member }) => member.interface)).difference(heard);
  return { heard, silent };
}
