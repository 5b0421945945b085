/**
 * How fast the two nodes advertise each VIP: never equally fast, never faster than a lease can
 * follow, and in `failover: node` the same node preferred for all VIPs.
 */
import { masterDownInterval, type Pace } from '../election/interval.ts';
import { toMilliseconds } from '../time.ts';
import type { Documents } from './document-check.ts';
import { SHORTEST_DEAD_TIME } from './lease-length.ts';
import type { Role } from './pair-configuration.ts';
import type { FieldPath, Problem } from './problem.ts';
import type { ClusterDocument, VipDocument } from './schema.ts';

/** What a node of this role advertises for the VIP: its own settings, else those of the cluster. */
export function paceOf(cluster: ClusterDocument, vip: VipDocument, role: Role): Pace {
  return {
    advbase: vip.advertise?.base ?? cluster.advertise.base,
    advskew: vip.advertise?.skew?.[role] ?? cluster.advertise.skew[role],
  };
}

export function paceProblems({ cluster }: Documents): Problem[] {
  return [
    ...cluster.vips.flatMap((vip, index) => {
      const at = vip.advertise === undefined ? ['advertise'] : ['vips', index, 'advertise'];
      const primary = paceOf(cluster, vip, 'primary');
      const secondary = paceOf(cluster, vip, 'secondary');
      return [...equalSkews(at, primary, secondary), ...tooFast(at, primary, secondary)];
    }),
    ...splitPreference(cluster),
  ];
}

function equalSkews(at: FieldPath, primary: Pace, secondary: Pace): Problem[] {
  if (primary.advskew !== secondary.advskew) return [];
  const found = `${primary.advskew} for both roles`;
  return [refusal([...at, 'skew'], found, 'different skews, so that the nodes cannot tie')];
}

function tooFast(at: FieldPath, primary: Pace, secondary: Pace): Problem[] {
  const faster = primary.advskew < secondary.advskew ? primary : secondary;
  const role = faster === primary ? 'primary' : 'secondary';
  const pace = `base ${faster.advbase} with skew ${faster.advskew} for the ${role}`;
  if (faster.advbase === 0 && faster.advskew === 0) {
    return [refusal(at, pace, 'a skew of at least 2 with base 0')];
  }
  const dead = masterDownInterval(faster);
  if (dead >= SHORTEST_DEAD_TIME) return [];
  const found = `${pace}, a master-down time of ${toMilliseconds(dead).toFixed(1)} ms`;
  const shortest = toMilliseconds(SHORTEST_DEAD_TIME);
  const expected = `at least ${shortest} ms, of which the lease takes half`;
  return [refusal(at, found, expected)];
}

/** All VIPs move together, so one node must be the better one for all of them. */
function splitPreference(cluster: ClusterDocument): Problem[] {
  const [first] = cluster.vips;
  if (cluster.failover !== 'node' || first === undefined) return [];
  const expectedRole = preferredRole(cluster, first);
  return cluster.vips.flatMap((vip, index) => {
    const role = preferredRole(cluster, vip);
    if (role === undefined || expectedRole === undefined || role === expectedRole) return [];
    const found =
      `the ${role} preferred for VIP ${vip.name}, ` + `the ${expectedRole} for VIP ${first.name}`;
    const expected = 'the same order for all VIPs, or failover: vip';
    const culprit = vip.advertise === undefined ? 0 : index;
    return [refusal(['vips', culprit, 'advertise', 'skew'], found, expected)];
  });
}

function preferredRole(cluster: ClusterDocument, vip: VipDocument): Role | undefined {
  const difference =
    paceOf(cluster, vip, 'primary').advskew - paceOf(cluster, vip, 'secondary').advskew;
  if (difference === 0) return undefined;
  return difference < 0 ? 'primary' : 'secondary';
}

function refusal(path: FieldPath, found: string, expected: string): Problem {
  return { document: 'cluster', path, found, expected };
}
