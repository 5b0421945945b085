/** Devices that are made for interfaces of node.yaml, and what they are called. */
import type { MadeLink } from './pair-configuration.ts';
import type { InterfaceDocument } from './schema.ts';

/** Longest name of a device (IFNAMSIZ - 1). */
export const LONGEST_DEVICE_NAME = 15;

/** As written, else `eth0.10` for a VLAN and `bond-lan` for a bond; undefined for neither. */
export function deviceOf(
  name: string,
  { device, vlan, bond }: InterfaceDocument,
): string | undefined {
  if (device !== undefined) return device;
  if (vlan !== undefined) return `${vlan.parent}.${vlan.id}`;
  return bond === undefined ? undefined : `bond-${name}`;
}

export function madeLink({ vlan, bond }: InterfaceDocument): MadeLink | undefined {
  if (vlan !== undefined) return { kind: 'vlan', ...vlan };
  return bond === undefined ? undefined : { kind: 'bond', ...bond };
}
