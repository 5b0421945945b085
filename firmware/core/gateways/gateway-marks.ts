/**
 * Marks by which packets and connections name the gateway they are to leave by, and the routing
 * tables behind the marks. Eight bits in the middle of the mark; the others are everybody's.
 *
 * Gateways count from 1 and groups from 128, each in the order of their names, so that both nodes
 * and whoever renders rules agree without asking.
 */
import type { RoutingConfiguration } from '../configuration/routing-configuration.ts';

/** The bits of a packet's and a connection's mark that are ours. */
export const GATEWAY_MARK_MASK = 0x00ff0000;

const SHIFT = 16;
const FIRST_GATEWAY = 1;
const FIRST_GROUP = 128;
/** Tables up to 100 and from 253 to 255 are other people's and the kernel's. */
const TABLE_BASE = 1000;

/** The mark of each gateway and each group, by name; none when nothing is routed. */
export function gatewayMarks({
  routing,
}: {
  readonly routing?: RoutingConfiguration | undefined;
}): ReadonlyMap<string, number> {
  const marks = (named: readonly { readonly name: string }[], first: number) =>
    [...named]
      .sort((one, other) => (one.name < other.name ? -1 : 1))
      .map(({ name }, position) => [name, (first + position) << SHIFT] as const);
  return new Map([
    ...marks(routing?.gateways ?? [], FIRST_GATEWAY),
    ...marks(routing?.groups ?? [], FIRST_GROUP),
  ]);
}

/** The routing table of a mark. */
export function gatewayTable(mark: number): number {
  return TABLE_BASE + (mark >>> SHIFT);
}
