/** VLANs and bonds of node.yaml: one kind each, names that fit, devices that are not used twice. */
import type { Documents } from './document-check.ts';
import { deviceOf, LONGEST_DEVICE_NAME } from './made-link.ts';
import type { FieldPath, Problem } from './problem.ts';

export function linkProblems({ node }: Documents): Problem[] {
  const interfaces = Object.entries(node.interfaces);
  const devices = new Map(interfaces.map(([name, each]) => [deviceOf(name, each), name]));
  return [
    ...interfaces.flatMap(([name, each]) => [
      ...twoKinds(name, each),
      ...longName(name, deviceOf(name, each)),
      ...(each.bond?.members ?? []).flatMap((member, index) => {
        const user = devices.get(member);
        if (user === undefined) return [];
        const found = `"${member}", the device of interface ${user}`;
        const path = ['interfaces', name, 'bond', 'members', index];
        return [problem(path, found, 'a device that no interface uses itself')];
      }),
    ]),
    ...membersTwice({ node }),
    ...vlansTwice({ node }),
  ];
}

type NodeOnly = Pick<Documents, 'node'>;
type Interface = Documents['node']['interfaces'][string];

function twoKinds(name: string, { vlan, bond }: Interface): Problem[] {
  if (vlan === undefined || bond === undefined) return [];
  const expected = 'either; for a VLAN on a bond the bond is an interface of its own';
  return [problem(['interfaces', name, 'vlan'], 'a vlan beside a bond', expected)];
}

function longName(name: string, device: string | undefined): Problem[] {
  if (device === undefined || device.length <= LONGEST_DEVICE_NAME) return [];
  const found = `"${device}", which is longer than ${LONGEST_DEVICE_NAME} characters`;
  return [problem(['interfaces', name, 'device'], found, 'a device name of its own')];
}

function membersTwice({ node }: NodeOnly): Problem[] {
  const owners = new Map<string, string>();
  return Object.entries(node.interfaces).flatMap(([name, { bond }]) =>
    (bond?.members ?? []).flatMap((member, index): Problem[] => {
      const owner = owners.get(member);
      owners.set(member, owner ?? name);
      if (owner === undefined) return [];
      const found = `"${member}", a member of ${owner} already`;
      const path = ['interfaces', name, 'bond', 'members', index];
      return [problem(path, found, 'a device that is in no other bond')];
    }),
  );
}

function vlansTwice({ node }: NodeOnly): Problem[] {
  const owners = new Map<string, string>();
  return Object.entries(node.interfaces).flatMap(([name, { vlan }]): Problem[] => {
    if (vlan === undefined) return [];
    const key = `${vlan.parent} ${vlan.id}`;
    const owner = owners.get(key);
    owners.set(key, owner ?? name);
    if (owner === undefined) return [];
    const found = `VLAN ${vlan.id} of ${vlan.parent}, which interface ${owner} has already`;
    return [problem(['interfaces', name, 'vlan', 'id'], found, 'a VLAN id of its own')];
  });
}

function problem(path: FieldPath, found: string, expected: string): Problem {
  return { document: 'node', path, found, expected };
}
