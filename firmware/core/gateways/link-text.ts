/**
 * VLANs and bonds of node.yaml as text, one device a line in the order in which they can be made:
 *
 *     bond bond-lan mode active-backup members eth1 eth2
 *     vlan eth0.10 parent eth0 id 10
 */
import type { InterfaceConfiguration } from '../configuration/pair-configuration.ts';

/** Empty when nothing is to be made. */
export function linkText({
  interfaces,
}: {
  readonly interfaces: readonly InterfaceConfiguration[];
}): string {
  const bonds = interfaces.flatMap(({ device, made }) =>
    made?.kind === 'bond'
      ? [`bond ${device} mode ${made.mode} members ${made.members.join(' ')}`]
      : [],
  );
  const vlans = interfaces.flatMap(({ device, made }) =>
    made?.kind === 'vlan' ? [{ device, parent: made.parent, id: made.id }] : [],
  );
  // A VLAN within a VLAN comes after it.
  const isInner = ({ parent }: { readonly parent: string }) =>
    vlans.some(({ device }) => device === parent);
  const ordered = [...vlans.filter((each) => !isInner(each)), ...vlans.filter(isInner)];
  const lines = ordered.map(({ device, parent, id }) => `vlan ${device} parent ${parent} id ${id}`);
  return [...bonds, ...lines].map((line) => `${line}\n`).join('');
}
