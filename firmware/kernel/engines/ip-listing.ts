/**
 * What `ip -json` lists, as the lines by which it was made, so that both can be compared. Only what
 * is ours: routes of our protocol number, rules of our preferences.
 */

/** As in core/gateways/route-text.ts. */
const PROTOCOL = '121';
const PREFERENCES: readonly number[] = [100, 110, 120];

interface ListedHop {
  readonly gateway?: string;
  readonly dev?: string;
  readonly weight?: number;
}

interface ListedRoute extends ListedHop {
  readonly dst: string;
  readonly table?: string;
  readonly protocol?: string;
  readonly metric?: number;
  readonly nexthops?: readonly ListedHop[];
}

interface ListedRule {
  readonly priority: number;
  readonly src: string;
  readonly srclen?: number;
  readonly fwmark?: string;
  readonly fwmask?: string;
  readonly table: string;
  readonly suppress_prefixlen?: number;
}

/** `family`: `-6 ` or nothing, in front of each line. */
export function ownRoutes(listing: string, family: string): string[] {
  const rows = JSON.parse(listing || '[]') as readonly ListedRoute[];
  return rows
    .filter(({ protocol }) => protocol === PROTOCOL)
    .map((row) => {
      const via = row.nexthops?.map((hop) => `nexthop ${hopOf(hop)} weight ${hop.weight ?? 1}`) ?? [
        hopOf(row),
      ];
      const table = row.table === undefined || row.table === 'main' ? '' : ` table ${row.table}`;
      const to = row.dst === 'default' || row.dst.includes('/') ? row.dst : hostOf(row.dst);
      const made = `${table} proto ${PROTOCOL} metric ${row.metric ?? 0}`;
      return `${family}${to}${made} ${via.join(' ')}`;
    });
}

export function ownRules(listing: string, family: string): string[] {
  const rows = JSON.parse(listing || '[]') as readonly ListedRule[];
  return rows
    .filter(({ priority }) => PREFERENCES.includes(priority))
    .map(({ priority, src, srclen, fwmark, fwmask, table, suppress_prefixlen }) => {
      const length = srclen === undefined ? '' : `/${srclen}`;
      const from = src === 'all' ? '' : ` from ${src}${length}`;
      const mark = fwmark === undefined ? '' : ` fwmark ${fwmark}/${fwmask}`;
      const suppressed =
        suppress_prefixlen === undefined ? '' : ` suppress_prefixlength ${suppress_prefixlen}`;
      return `${family}pref ${priority}${from}${mark} lookup ${table}${suppressed}`;
    });
}

const hopOf = ({ gateway, dev }: ListedHop): string => `via ${gateway} dev ${dev}`;

const hostOf = (address: string): string => `${address}/${address.includes(':') ? 128 : 32}`;
