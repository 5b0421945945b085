/**
 * Every setting of node.yaml and cluster.yaml: meaning, unit, default, range.
 *
 * These schemas only say what a single field may hold; what the fields must be to each other is in
 * resolve-configuration.ts. The message of a check is the second half of the sentence "found X,
 * expected ...". Nothing is transformed, so the JSON Schema for editors is generated from them.
 */
import { z } from 'zod';
import { seconds } from '../time.ts';
import { aliasesSchema } from './alias-schema.ts';
import { LONGEST_BEAT_INTERVAL, SHORTEST_BEAT_INTERVAL } from './beat-pace.ts';
import { DURATION_PATTERN, parseDuration } from './duration-text.ts';
import {
  address,
  anyName,
  cidr,
  DEVICE_NAME,
  duration,
  EXPECT_CIDR,
  EXPECT_DEVICE,
  flag,
  interfaceName,
  number,
  oneOf,
  settings,
  text,
} from './fields.ts';

import { firewallSchema } from './firewall-schema.ts';
import { gatewayAreas } from './gateway-schema.ts';
import { linkFields } from './link-schema.ts';
import { natSchema } from './nat-schema.ts';

import { PROTOCOL_NAMES } from './protocol-number.ts';

/** CARP keys have 20 bytes, of which ifconfig(8) and pfSense let people use 19. */
export const LONGEST_PASSWORD_BYTES = 19;
const EXPECT_BASE = 'whole seconds from 0 to 255';
/** From 240 on a skew means that the node is demoted (net.inet.carp clamps there). */
const EXPECT_SKEW = 'a whole number from 0 to 239 (1/256 s)';
const EXPECT_VHID = 'a whole number from 1 to 255';
const EXPECT_BEATS = 'normal, fast, off, or a pace from 3ms to 100ms such as { interval: 20ms }';
const EXPECT_BEAT_INTERVAL = 'a duration from 3ms to 100ms';
const EXPECT_NETWORKS = 'a list of networks such as [10.9.0.0/16]';
const EXPECT_PROTOCOLS = 'a list of protocols such as [icmp, gre, 50]';
const EXPECT_PASSWORD =
  `a password of 1 to ${LONGEST_PASSWORD_BYTES} bytes without control characters ` +
  '(in quotes if it looks like a number)';

const flowProtocol = () =>
  z.union([z.enum(PROTOCOL_NAMES), z.int().min(0).max(255)], { error: EXPECT_PROTOCOLS });

const base = () => number(EXPECT_BASE, 0, 255);
const skew = () => number(EXPECT_SKEW, 0, 239);

const interfaceSchema = settings({
  device: text(EXPECT_DEVICE, DEVICE_NAME)
    .optional()
    .describe(
      'Linux device behind this logical interface, at most 15 characters. Each device only once. ' +
        'Default: for a VLAN its parent and id (eth0.10), for a bond its interface (bond-lan); ' +
        'other interfaces need one.',
    ),
  ...linkFields,
  address: z
    .union([cidr(), z.array(cidr(), { error: EXPECT_CIDR }).min(1, { error: EXPECT_CIDR })], {
      error: EXPECT_CIDR,
    })
    .optional()
    .describe(
      "This node's own (real) address with prefix length, or a list of them, IPv4 and IPv6. " +
        'Default: none. A VIP with an IPv4 address needs a real IPv4 address on its interface.',
    ),
  gateway: address()
    .optional()
    .describe('Next hop of the default route through this interface. Default: none.'),
  peer: address()
    .optional()
    .describe(
      "The other node's address on this interface. Makes it a sync interface, which carries " +
        'no VIPs. Default: none.',
    ),
});

/** node.yaml: this box only, never replicated. */
export const nodeSchema = settings({
  node: anyName().describe('Unique name of this node, such as office-a.'),
  role: oneOf(['primary', 'secondary']).describe(
    'Role of this node in the pair: primary or secondary. Decides which skew it advertises; ' +
      'the state (MASTER, BACKUP) is decided by election.',
  ),
  board: anyName()
    .optional()
    .describe('Name of the board profile, a folder of board/. Default: none.'),
  interfaces: z
    .record(interfaceName(), interfaceSchema, {
      error: 'a mapping of logical interface names to their settings',
    })
    .describe(
      'Logical interface names (wan, lan, sync, ...) and the devices behind them. Everything ' +
        'else uses the logical names.',
    ),
  secret: z
    .string({ error: 'the name of the file with the secret of the pair' })
    .min(1, { error: 'the name of the file with the secret of the pair' })
    .optional()
    .describe(
      "File with the pair's secret: 32 bytes in base64 on one line, mode 0600; relative to " +
        'the configuration directory. `yoke pair` makes it. Default: none, then each VIP needs a ' +
        'password, and there are no beats.',
    ),
})
  .describe('node.yaml: settings of this node only.')
  .meta({ title: 'Yoke node.yaml' });

const vipAdvertiseSchema = settings({
  base: base()
    .optional()
    .describe('Seconds between advertisements, 0-255. Default: advertise.base of the cluster.'),
  skew: settings({
    primary: skew()
      .optional()
      .describe('Skew of the primary in 1/256 s, 0-239. Default: that of the cluster.'),
    secondary: skew()
      .optional()
      .describe('Skew of the secondary in 1/256 s, 0-239. Default: that of the cluster.'),
  })
    .optional()
    .describe('Skew of this VIP by role. Default: advertise.skew of the cluster.'),
});

const EXPECT_PEER =
  "an address without prefix length such as 192.168.1.3, or both nodes' addresses as { " +
  'primary: ..., secondary: ... }';

const vipSchema = settings({
  name: anyName().describe('Name of the VIP, unique in the cluster.'),
  interface: interfaceName().describe(
    'Logical interface that carries the VIP, from node.yaml of both nodes.',
  ),
  vhid: number(EXPECT_VHID, 1, 255).describe(
    'CARP group number, 1-255, unique per interface and in its broadcast domain (VRRP included).',
  ),
  address: cidr().describe(
    "Virtual address with prefix length. The prefix length must be the interface's own when a" +
      ' real address covers it.',
  ),
  aliases: z
    .array(cidr(), { error: 'a list of addresses with prefix length such as [192.168.1.4/24]' })
    .default([])
    .describe('Further virtual addresses on the same VHID, IPv4 and IPv6. Default: none.'),
  password: z
    .string({ error: EXPECT_PASSWORD })
    .refine(isPassword, { error: EXPECT_PASSWORD })
    .optional()
    .describe(
      `CARP password, 1-${LONGEST_PASSWORD_BYTES} bytes. ` +
        "Default: derived from the pair's secret and the VHID.",
    ),
  advertise: vipAdvertiseSchema
    .optional()
    .describe('Advertisement timing of this VIP. Default: that of the cluster.'),
  peer: z
    .union([address(), settings({ primary: address(), secondary: address() })], {
      error: EXPECT_PEER,
    })
    .optional()
    .describe(
      "Unicast CARP: the other node's address, or the addresses of both nodes by role. " +
        'Default: none, advertisements are multicast.',
    ),
  ties: oneOf(['yoke', 'bsd'])
    .default('yoke')
    .describe(
      'On equal skews: yoke lets the node with the lower address stay MASTER, bsd always ' +
        'yields, as FreeBSD and OpenBSD do. Default: yoke.',
    ),
});

const isBeatInterval = (value: string): boolean => {
  const interval = parseDuration(value) ?? 0;
  return interval >= SHORTEST_BEAT_INTERVAL && interval <= LONGEST_BEAT_INTERVAL;
};

const beatsSchema = z.union(
  [
    z.enum(['normal', 'fast', 'off'], { error: EXPECT_BEATS }),
    settings({
      interval: z
        .string({ error: EXPECT_BEAT_INTERVAL })
        .refine(isBeatInterval, { error: EXPECT_BEAT_INTERVAL })
        .meta({ pattern: DURATION_PATTERN.source })
        .describe('Between two beats on the sync interface. 3ms to 100ms.'),
    }),
  ],
  { error: EXPECT_BEATS },
);

/** cluster.yaml: the pair's, the same on both nodes. */
export const clusterSchema = settings({
  cluster: anyName().describe('Name of the pair, such as branch-042.'),
  failover: oneOf(['node', 'vip'])
    .default('node')
    .describe(
      'node: all VIPs of a node move together, so routing is never split. vip: a separate ' +
        'election per VHID. Default: node.',
    ),
  preempt: settings({
    enabled: flag()
      .default(true)
      .describe('Whether a better node takes over from a living MASTER (failback). Default: true.'),
    delay: duration(seconds(3600), '1h')
      .default('10s')
      .describe(
        'How long a node must have been fit before it takes over from a living MASTER. 0 to ' +
          '1h. Default: 10s.',
      ),
    flaps: settings({
      changes: number('a whole number from 0 to 32', 0, 32)
        .default(4)
        .describe(
          'Unplanned changes of MASTER within ten minutes that are too many: then failback waits ' +
            'and an alert says so. 0 for never. Default: 4.',
        ),
      hold: duration(seconds(3600), '1h')
        .default('60s')
        .describe(
          'How long failback waits then; twice as long for each further change, up to 15 ' +
            'minutes. Default: 60s.',
        ),
    })
      .prefault({})
      .describe('Protection against a pair that moves to and fro.'),
  })
    .prefault({})
    .describe('Failback to the better node.'),
  advertise: settings({
    base: base()
      .default(1)
      .describe(
        'Seconds between CARP advertisements, 0-255. 0 leaves the pace to the skew alone, ' +
          'which must then be at least 2. Default: 1.',
      ),
    skew: settings({
      primary: skew()
        .default(0)
        .describe('Added to the interval of the primary, in 1/256 s, 0-239. Default: 0.'),
      secondary: skew()
        .default(100)
        .describe('Added to the interval of the secondary, in 1/256 s, 0-239. Default: 100.'),
    })
      .prefault({})
      .describe('The node with the smaller skew is preferred as MASTER. Never equal.'),
  })
    .prefault({})
    .describe('Pace of the CARP advertisements, for all VIPs without their own.'),
  beats: beatsSchema
    .default('normal')
    .describe(
      'How often the nodes tell each other over the sync interface that they live: normal ' +
        '(every 10 ms), fast (every 4 ms), off, or { interval: 3ms to 100ms }. Needs an ' +
        'interface with a peer and the secret of the pair in node.yaml; without them the nodes ' +
        'know each other by CARP alone. Default: normal.',
    ),
  flows: settings({
    enabled: flag()
      .default(true)
      .describe(
        'Whether connections are replicated to the other node, so that they survive a failover. ' +
          'Needs a sync interface with a peer, and the secret of the pair. Default: true.',
      ),
    exclude: settings({
      networks: z
        .array(cidr(), { error: EXPECT_NETWORKS })
        .default([])
        .describe('Connections from or to these are left out. Default: none.'),
      protocols: z
        .array(flowProtocol(), { error: EXPECT_PROTOCOLS })
        .default([])
        .describe(
          'Protocols that are left out, by name (icmp, tcp, udp, gre, icmpv6, sctp, udplite) or ' +
            'by number. Default: none.',
        ),
    })
      .prefault({})
      .describe('What is not replicated.'),
  })
    .prefault({})
    .describe('Replication of connections (conntrack) between the nodes.'),
  vips: z
    .array(vipSchema, { error: 'a list of VIPs' })
    .min(1, { error: 'a list of at least one VIP' })
    .describe('The virtual addresses of the pair.'),
  ...gatewayAreas,
  monitor: settings({
    linkDebounce: duration(seconds(60), '60s')
      .default('1s')
      .describe('How long a carrier must have been back before it counts. 0 to 60s. Default: 1s.'),
  })
    .prefault({})
    .describe('Health of the node.'),
  aliases: aliasesSchema.optional().describe('Names for addresses and ports. Default: none.'),
  firewall: firewallSchema
    .optional()
    .describe('What may pass. Default: none, then everything may.'),
  nat: natSchema.optional().describe('Translation of addresses. Default: none.'),
})
  .describe('cluster.yaml: settings of the pair, the same on both nodes.')
  .meta({ title: 'Yoke cluster.yaml' });

/** What is in the files, checked field by field, defaults filled in. */
export type NodeDocument = z.infer<typeof nodeSchema>;
export type ClusterDocument = z.infer<typeof clusterSchema>;
export type InterfaceDocument = z.infer<typeof interfaceSchema>;
export type VipDocument = z.infer<typeof vipSchema>;

export const schemas = { node: nodeSchema, cluster: clusterSchema } as const;

/** JSON Schema (draft 2020-12) of what people may write, for their editors. */
export function jsonSchema(document: keyof typeof schemas): z.core.JSONSchema.JSONSchema {
  return z.toJSONSchema(schemas[document], { io: 'input' });
}

function isPassword(value: string): boolean {
  const bytes = new TextEncoder().encode(value);
  return (
    bytes.length >= 1 &&
    bytes.length <= LONGEST_PASSWORD_BYTES &&
    bytes.every((byte) => byte >= 0x20 && byte !== 0x7f)
  );
}
