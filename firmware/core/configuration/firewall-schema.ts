/** Area `firewall` of cluster.yaml: what may pass, by which interface it comes and goes. */
import { z } from 'zod';
import { networks, ports } from './alias-schema.ts';
import { anyName, flag, INTERFACE_NAME, oneOf, settings, text } from './fields.ts';
import { PROTOCOL_NAMES } from './protocol-number.ts';

const EXPECT_PLACE = 'the name of an interface, any, node, or a list of interfaces and node';
const EXPECT_PROTOCOL = 'a protocol such as tcp, udp, icmp or 47; a list of these, or any';
const EXPECT_LIMIT = 'a rate such as 10/second, 600/minute, 100/hour or 50/day';
export const LIMIT_PATTERN = /^([1-9]\d{0,8})\/(second|minute|hour|day)$/;

const place = () => text(EXPECT_PLACE, INTERFACE_NAME);

const places = () =>
  z.union([place(), z.array(place(), { error: EXPECT_PLACE }).min(1, { error: EXPECT_PLACE })], {
    error: EXPECT_PLACE,
  });

const protocol = () => z.union([z.enum(PROTOCOL_NAMES), z.int().min(0).max(255)]);

/** Shared with the rules of NAT. */
export const protocols = () =>
  z.union(
    [
      z.literal('any'),
      protocol(),
      z.array(protocol(), { error: EXPECT_PROTOCOL }).min(1, { error: EXPECT_PROTOCOL }),
    ],
    { error: EXPECT_PROTOCOL },
  );

const ruleSchema = settings({
  name: anyName().describe('Name of the rule, unique; logs and plans show it.'),
  from: places()
    .default('any')
    .describe(
      'Where a connection comes from: an interface, a list of them, any (every interface), or ' +
        'node (this gateway itself). Default: any.',
    ),
  to: places()
    .default('any')
    .describe(
      'Where it goes: an interface, a list, any (every interface, not the gateway), or node ' +
        '(the gateway itself, its VIPs included). Default: any.',
    ),
  action: oneOf(['accept', 'drop', 'reject']).describe(
    'accept; drop silently; or reject and say so to the sender.',
  ),
  family: oneOf(['any', 'ipv4', 'ipv6']).default('any').describe('IP version. Default: any.'),
  protocol: protocols()
    .default('any')
    .describe(
      'Protocol by name or IP protocol number, or a list. icmp is that of IPv4, icmpv6 that of ' +
        'IPv6. Default: any.',
    ),
  source: networks().default('any').describe('Addresses of the senders. Default: any.'),
  destination: networks()
    .default('any')
    .describe('Addresses of the receivers, after forwards and 1:1 translation. Default: any.'),
  sourcePorts: ports()
    .default('any')
    .describe('Ports of the senders; needs protocol tcp, udp, sctp or udplite. Default: any.'),
  ports: ports()
    .default('any')
    .describe(
      'Ports of the receivers, after forwards; needs protocol tcp, udp, sctp or udplite. ' +
        'Default: any.',
    ),
  log: flag()
    .default(false)
    .describe(
      'Whether the kernel log tells of each connection the rule decides about, of 20 a second ' +
        'at most. Default: false.',
    ),
  limit: text(EXPECT_LIMIT, LIMIT_PATTERN)
    .optional()
    .describe(
      'New connections (of accept) or packets the rule matches per second, minute, hour or day; ' +
        'the rest goes on to the next rules. Default: no limit.',
    ),
  gateway: anyName()
    .optional()
    .describe(
      'Gateway or group of gateways by which what the rule accepts leaves, unless it goes to a ' +
        'local network. Default: as the routes say.',
    ),
});

export const firewallSchema = settings({
  default: oneOf(['drop', 'reject'])
    .default('drop')
    .describe(
      'What becomes of what no rule names, from one interface to another and to the gateway ' +
        'itself. What the gateway itself sends is let out. Default: drop.',
    ),
  logDefault: flag()
    .default(false)
    .describe('Whether that is logged, 20 times a second at most. Default: false.'),
  lockout: settings({
    interface: text('the name of an interface', INTERFACE_NAME)
      .optional()
      .describe(
        'Interface from which nobody can be locked out. Default: lan, or the first interface ' +
          'without a gateway.',
      ),
    ports: ports().default([22, 443]).describe('TCP ports of the gateway. Default: [22, 443].'),
    enabled: flag().default(true).describe('Whether this holds. Default: true.'),
  })
    .prefault({})
    .describe('What no rule can forbid: to reach the gateway itself for administration.'),
  rules: z
    .array(ruleSchema, { error: 'a list of rules' })
    .default([])
    .describe(
      'The first rule that matches a new connection decides. Answers and what belongs to a ' +
        'connection always pass. Default: none.',
    ),
});
