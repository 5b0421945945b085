/** The ways out of a node as a table for people, at most 80 columns wide where names are short. */
import type { GatewayReport } from '../gateways/gateway-states.ts';

export interface GatewaySnapshot {
  readonly gateways: readonly GatewayReport[];
  /** Gateways each group uses now. */
  readonly groups: readonly { readonly name: string; readonly uses: readonly string[] }[];
}

const WIDTHS = [16, 10, 8, 12] as const;

export function gatewayTable({ gateways, groups }: GatewaySnapshot): readonly string[] {
  if (gateways.length === 0) return ['no gateways'];
  const uses = (gateway: string) =>
    groups.flatMap((group) => (group.uses.includes(gateway) ? [group.name] : [])).join(', ');
  return [
    row('gateway', 'state', 'loss', 'latency', 'in use by'),
    ...gateways.map(({ name, state, loss, latencyMs }) => {
      const lost = loss === null ? '-' : `${Math.round(loss * 100)} %`;
      const latency = latencyMs === null ? '-' : `${latencyMs.toFixed(1)} ms`;
      return row(name, state, lost, latency, uses(name) || '-');
    }),
  ];
}

function row(...cells: readonly string[]): string {
  return cells
    .map((cell, index) => `${cell} `.padEnd(WIDTHS[index] ?? 0))
    .join('')
    .trimEnd();
}
