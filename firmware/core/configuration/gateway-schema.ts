/**
 * Settings of the ways out: gateways, groups of them, the default, and static routes. What they
 * must be to each other is in routing-check.ts.
 */
import { z } from 'zod';
import { milliseconds, seconds } from '../time.ts';
import { parseDuration } from './duration-text.ts';
import {
  ANY_NAME,
  address,
  anyName,
  cidr,
  duration,
  flag,
  interfaceName,
  number,
  oneOf,
  settings,
  text,
} from './fields.ts';

const EXPECT_PERCENT = 'whole percent from 1 to 100';
const EXPECT_WEIGHT = 'a whole number from 1 to 100';
const EXPECT_MONITOR = 'an address without prefix length such as 192.0.2.9, or none';
const EXPECT_GATEWAY_NAME = 'the name of a gateway or of a group of gateways';
const SHORTEST_INTERVAL = milliseconds(50);

const percent = () => number(EXPECT_PERCENT, 1, 100);
const weight = () => number(EXPECT_WEIGHT, 1, 100);
const gatewayName = () => text(EXPECT_GATEWAY_NAME, ANY_NAME);

/** A length of time that is not nothing. */
const span = (shortest: number, longest: number, shown: string) => {
  const expected = `a duration with a unit, ${shown}`;
  const fits = (value: string) => {
    const given = parseDuration(value) ?? 0;
    return given >= shortest && given <= longest;
  };
  return z
    .string({ error: expected })
    .refine(fits, { error: expected })
    .meta({ pattern: '^[1-9][0-9]{0,8}(?:ms|s|m|h)$' });
};

const gatewaySchema = settings({
  interface: interfaceName().describe(
    'Logical interface on which the gateway is, from node.yaml of both nodes.',
  ),
  address: address().describe(
    "The gateway's address, IPv4 or IPv6, in a network of its interface.",
  ),
  monitor: z
    .union([address(), z.literal('none')], { error: EXPECT_MONITOR })
    .optional()
    .describe(
      'Address that is asked for an echo (ICMP) through this gateway to tell whether the way is ' +
        'good: better one behind it than the gateway itself. none: it always counts as up. ' +
        "Default: the gateway's address.",
    ),
  interval: span(SHORTEST_INTERVAL, seconds(60), '50ms to 60s')
    .default('500ms')
    .describe('Between two echo requests. 50ms to 60s. Default: 500ms.'),
  timeout: span(SHORTEST_INTERVAL, seconds(10), '50ms to 10s')
    .default('1s')
    .describe('An answer that has not come after so long is lost. 50ms to 10s. Default: 1s.'),
  window: span(milliseconds(500), seconds(600), '500ms to 10m')
    .default('10s')
    .describe(
      'Loss and latency are measured over the requests of so long; at least four intervals. ' +
        '500ms to 10m. Default: 10s.',
    ),
  hold: duration(seconds(3600), '1h')
    .default('10s')
    .describe(
      'How long a gateway must have been better before it counts as better. What is worse ' +
        'counts at once. 0 to 1h. Default: 10s.',
    ),
  loss: settings({
    warn: percent()
      .default(10)
      .describe('Lost echo requests, in percent, from which on it is warned. Default: 10.'),
    down: percent()
      .default(20)
      .describe('Lost echo requests, in percent, from which on it is down. Default: 20.'),
  })
    .prefault({})
    .describe('How much of the window may be lost.'),
  latency: settings({
    warn: span(milliseconds(1), seconds(10), '1ms to 10s')
      .default('200ms')
      .describe('Mean time to an answer from which on it is warned. 1ms to 10s. Default: 200ms.'),
    down: span(milliseconds(1), seconds(10), '1ms to 10s')
      .default('500ms')
      .describe('Mean time to an answer from which on it is down. 1ms to 10s. Default: 500ms.'),
  })
    .prefault({})
    .describe('How long answers may take.'),
  weight: weight()
    .default(1)
    .describe('Its share where a group uses several gateways at once, 1-100. Default: 1.'),
  demotion: number('a whole number from 0 to 240', 0, 240)
    .default(0)
    .describe(
      'Added to the demotion of a node by which the gateway is down: the node that reaches ' +
        'more is the better MASTER. 0-240, 0 for never. Default: 0.',
    ),
});

const memberSchema = settings({
  gateway: anyName().describe('Name of the gateway.'),
  tier: number('a whole number from 1 to 9', 1, 9)
    .default(1)
    .describe(
      'The lowest tier with a gateway that is fit is used; those of one tier share. 1-9. ' +
        'Default: 1.',
    ),
  weight: weight()
    .optional()
    .describe("Its share within the tier, 1-100. Default: the gateway's own."),
});

const groupSchema = settings({
  members: z
    .array(memberSchema, { error: 'a list of gateways such as [{ gateway: wan1, tier: 1 }]' })
    .min(1, { error: 'a list of at least one gateway' })
    .describe('The gateways of the group.'),
  trigger: oneOf(['down', 'loss', 'latency', 'warn'])
    .default('down')
    .describe(
      'When a member is left: down, or already when it is warned for loss, for latency, or for ' +
        'either (warn). Default: down.',
    ),
  sticky: flag()
    .default(true)
    .describe(
      'Where several gateways share: all connections of one source address leave by the same ' +
        'one. The same for all groups that share. Default: true.',
    ),
});

const routeSchema = settings({
  to: cidr().describe('Network the route leads to, such as 10.8.0.0/16.'),
  via: z
    .union([address(), gatewayName()], { error: 'an address, or the name of a gateway' })
    .describe('Next hop: an address in the network of an interface, or the name of a gateway.'),
  interface: interfaceName()
    .optional()
    .describe('Logical interface of the next hop. Default: the one whose network it is in.'),
});

const EXPECT_DEFAULT = `${EXPECT_GATEWAY_NAME}, or a list of one for IPv4 and one for IPv6`;

/** Areas of cluster.yaml. */
export const gatewayAreas = {
  gateways: z
    .record(anyName(), gatewaySchema, {
      error: 'a mapping of names to gateways',
    })
    .default({})
    .describe('Ways to the internet, by name; at most 127. Default: none.'),
  gatewayGroups: z
    .record(anyName(), groupSchema, {
      error: 'a mapping of names to groups of gateways',
    })
    .default({})
    .describe('Gateways that stand in for each other or share, by name. Default: none.'),
  defaultGateway: z
    .union([gatewayName(), z.array(gatewayName(), { error: EXPECT_DEFAULT }).min(1).max(2)], {
      error: EXPECT_DEFAULT,
    })
    .optional()
    .describe(
      'Gateway or group by which everything leaves that no route or rule sends elsewhere; a ' +
        'list of two for IPv4 and IPv6. Default: the gateway of an interface in node.yaml.',
    ),
  routes: z
    .array(routeSchema, { error: 'a list of routes such as [{ to: 10.8.0.0/16, via: wan1 }]' })
    .default([])
    .describe('Static routes of both nodes. Default: none.'),
};

export type GatewayDocument = z.infer<typeof gatewaySchema>;
export type GroupDocument = z.infer<typeof groupSchema>;
export type RouteDocument = z.infer<typeof routeSchema>;
