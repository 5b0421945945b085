/**
 * What becomes of failover groups when others are planned: the failover mode was changed, or VIPs
 * were removed.
 */
import type { FailoverGroup } from '../election/failover-group.ts';
import type { PlannedGroup } from './group-plan.ts';

/** All by id. */
export interface Succession {
  /** New ones that go on as MASTER: all the groups whose members they take over are. */
  readonly heirs: ReadonlySet<string>;
  /** Old ones that end in silence, because heirs go on with what they served. */
  readonly continued: ReadonlySet<string>;
  /** Old ones that end with a good-bye. */
  readonly ended: ReadonlySet<string>;
}

export function succession(
  groups: ReadonlyMap<string, FailoverGroup>,
  planned: readonly PlannedGroup[],
): Succession {
  const stay = new Set(planned.map(({ id }) => id));
  const old = [...groups].filter(([id]) => !stay.has(id));
  const heirs = new Set<string>();
  const continued = new Set<string>();
  for (const { id, members } of planned) {
    const before = old.filter(([, { memberships }]) =>
      members.some((each) => memberships.has(each.id)),
    );
    const serves = before.length > 0 && before.every(([, { state }]) => state === 'MASTER');
    if (groups.has(id) || !serves) continue;
    heirs.add(id);
    for (const [predecessor] of before) continued.add(predecessor);
  }
  return { heirs, continued, ended: new Set(old.map(([id]) => id)).difference(continued) };
}
