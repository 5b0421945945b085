/**
 * The node's machine, written down as the status document.
 */
import type { Cidr } from '../../wire/ip-address.ts';
import type { VipConfiguration } from '../configuration/pair-configuration.ts';
import { publicState } from '../election/states.ts';
import type { LinkSnapshot, Snapshot, VipSnapshot } from '../telemetry/snapshot.ts';
import type { Instant } from '../time.ts';
import type { FailoverNode } from './failover-node.ts';
import { vipId } from './group-plan.ts';
import { peerSnapshot } from './peer-snapshot.ts';

/** The part of the status document that the election knows; the process adds the rest. */
export type NodeSnapshot = Omit<
  Snapshot,
  'version' | 'flows' | 'config' | 'pid' | 'uptime' | 'realtime'
>;

export interface SnapshotMoment {
  readonly now: Instant;
  /** Wall clock, milliseconds since 1970, at `now`. */
  readonly wallClock: number;
}

export function nodeSnapshot(node: FailoverNode, moment: SnapshotMoment): NodeSnapshot {
  const iso = (at: Instant): string => wallTime(at, moment);
  const { configuration } = node;
  const leading = [...node.groups.values()].find(
    (group) => publicState(group.state) === node.state,
  );
  return {
    schema: 1,
    time: iso(moment.now),
    node: configuration.node,
    cluster: configuration.cluster,
    role: configuration.role,
    board: configuration.board ?? null,
    failover: configuration.failover,
    state: node.state,
    since: iso(leading?.since ?? moment.now),
    reason: leading?.reason ?? 'no VIPs are configured',
    maintenance: node.maintenance,
    vips: configuration.vips.map((vip) => vipSnapshot(node, vip)),
    links: links(node),
    demotions: node.demotions.list().map(({ reason, weight, since, expires, owner }) => ({
      reason,
      weight,
      since: iso(since),
      expires: expires === undefined ? null : iso(expires),
      owner,
    })),
    peer: peerSnapshot(node, moment.now),
    alerts: node.bulletin.alerts
      .list()
      .map(({ code, since, text }) => ({ code, since: iso(since), text })),
    counters: node.bulletin.counters.list(),
  };
}

function wallTime(at: Instant, { now, wallClock }: SnapshotMoment): string {
  return new Date(wallClock + (at - now) / 1000).toISOString();
}

function vipSnapshot(node: FailoverNode, vip: VipConfiguration): VipSnapshot {
  const group = node.groupOf(vip);
  const [address, ...aliases] = vip.addresses.map(cidrText);
  const pace = group.memberships.get(vipId(node.configuration, vip))?.effective(group.demotion);
  return {
    name: vip.name,
    interface: vip.interface,
    vhid: vip.vhid,
    address: address ?? '',
    aliases,
    state: publicState(group.state),
    advbase: vip.advbase,
    advskew: pace?.advskew ?? vip.advskew,
  };
}

function links(node: FailoverNode): readonly LinkSnapshot[] {
  return [...node.interfaces].map(([name, { configuration, seen }]) => ({
    name,
    device: configuration.device,
    present: seen?.present ?? false,
    carrier: seen?.carrier ?? false,
    addresses: (seen?.addresses ?? []).map(cidrText),
  }));
}

const cidrText = ({ address, prefix }: Cidr): string => `${address}/${prefix}`;
