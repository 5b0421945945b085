/**
 * The node's own addresses on its interfaces: added when they are missing, never changed or
 * removed, because an administrator or another service may have put them there.
 */
import type { NetlinkRequest } from '../wire/netlink-message.ts';
import { addAddress } from '../wire/rtnetlink.ts';
import type { PlannedInterface, PlanProblem } from './kernel.ts';
import type { NetlinkSocket } from './netlink-socket.ts';
import type { SeenNetwork } from './vip-interfaces.ts';

/** Adds what is missing; a missing device is a problem, not an error. */
export function addRealAddresses(
  route: NetlinkSocket,
  planned: readonly PlannedInterface[],
  seen: SeenNetwork,
): PlanProblem[] {
  return planned.flatMap((each) => {
    const index = seen.links.find(({ name }) => name === each.device)?.index;
    if (index !== undefined) return addTo(route, index, each, seen);
    const { device } = each;
    return [{ code: 'no-device', device, text: `${device}: no such device` }];
  });
}

function addTo(
  route: NetlinkSocket,
  index: number,
  { device, addresses }: PlannedInterface,
  seen: SeenNetwork,
): PlanProblem[] {
  const here = seen.addresses.filter((each) => each.index === index);
  const problems: PlanProblem[] = [];
  const requests: NetlinkRequest[] = [];
  for (const { address, prefix } of addresses) {
    const found = here.filter((each) => each.address === address);
    if (found.some((each) => each.prefix === prefix)) continue;
    const [other] = found;
    if (other === undefined) {
      requests.push(addAddress({ index, address, prefix, withoutRoute: false, unchecked: false }));
      continue;
    }
    const text = `${device}: ${address}/${prefix} wanted, ${address}/${other.prefix} found`;
    problems.push({ code: 'wrong-prefix', device, text });
  }
  const what = `add an address to ${device}`;
  for (const refusal of route.attempt(requests, { code: 'link-refused', what })) {
    if (refusal === undefined) continue;
    problems.push({ code: 'address-refused', device, text: `${device}: ${refusal.message}` });
  }
  return problems;
}
