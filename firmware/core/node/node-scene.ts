/**
 * What a configuration means to the node while it holds: its VIPs and its interfaces. A group that
 * leaves keeps the scene it belongs to until its good-byes are said.
 */
import type { PairConfiguration, VipConfiguration } from '../configuration/pair-configuration.ts';
import type { Duration, Instant } from '../time.ts';
import { leaseOf, vipId } from './group-plan.ts';
import { InterfaceWatch } from './interface-watch.ts';

export interface NodeScene {
  readonly configuration: PairConfiguration;
  /** By what they are on the wire, see `vipId`. */
  readonly vips: ReadonlyMap<string, VipConfiguration>;
  /** By logical name. */
  readonly interfaces: ReadonlyMap<string, InterfaceWatch>;
  /** The same, to be walked in every turn. */
  readonly watches: readonly InterfaceWatch[];
  /** Of the configured VIPs: the interface of each. */
  readonly carriers: readonly (InterfaceWatch | undefined)[];
  /** Length of a lease, see `leaseOf`. */
  readonly lease: Duration;
}

/** Goes on watching each device that was watched, whatever its interface is called now. */
export function nextScene(
  configuration: PairConfiguration,
  former: NodeScene | undefined,
  now: Instant,
): NodeScene {
  const watches = new Map(
    [...(former?.interfaces.values() ?? [])].map((watch) => [watch.device, watch]),
  );
  const named = configuration.interfaces.map((each): [string, InterfaceWatch] => {
    const known = watches.get(each.device);
    if (known === undefined) return [each.name, new InterfaceWatch(each, configuration)];
    known.reconfigure(each, configuration, now);
    return [each.name, known];
  });
  const vips = configuration.vips.map((vip): [string, VipConfiguration] => {
    return [vipId(configuration, vip), vip];
  });
  const lease = leaseOf(configuration);
  const interfaces = new Map(named);
  return {
    configuration,
    vips: new Map(vips),
    interfaces,
    watches: [...interfaces.values()],
    carriers: configuration.vips.map((vip) => interfaces.get(vip.interface)),
    lease,
  };
}

/** Ids of VIPs that stay, but are not on the network what they were. */
export function changedVips(former: NodeScene, scene: NodeScene): ReadonlySet<string> {
  const changed = new Set<string>();
  for (const [id, vip] of scene.vips) {
    const before = former.vips.get(id);
    if (before !== undefined && onNetwork(before) !== onNetwork(vip)) changed.add(id);
  }
  return changed;
}

/** Whether each interface that was looked at is usable. */
export function usableInterfaces({ interfaces }: NodeScene): ReadonlyMap<string, boolean> {
  const observed = [...interfaces].filter(([, { link }]) => link.observed);
  return new Map(observed.map(([name, { link }]) => [name, link.usable]));
}

function onNetwork({ addresses, password, advbase, advskew, peer }: VipConfiguration): string {
  return JSON.stringify([addresses, [...password], advbase, advskew, peer]);
}
