/** Two WANs and a group of both, as a person would have configured them. */
import type { PairConfiguration } from '../../../firmware/core/configuration/pair-configuration.ts';
import type {
  GatewayConfiguration,
  GatewayGroup,
  RoutingConfiguration,
} from '../../../firmware/core/configuration/routing-configuration.ts';
import { milliseconds, seconds } from '../../../firmware/core/time.ts';
import { configurationOf } from '../node/node-stage.ts';

export function exampleGateway(given: Partial<GatewayConfiguration> = {}): GatewayConfiguration {
  return {
    name: 'wan1',
    interface: 'wan',
    device: 'wan',
    address: '198.51.100.1',
    family: 4,
    sources: ['198.51.100.201'],
    virtualSources: ['198.51.100.200'],
    monitor: '192.0.2.8',
    interval: milliseconds(500),
    timeout: seconds(1),
    window: seconds(10),
    hold: seconds(10),
    loss: { warn: 10, down: 20 },
    latency: { warn: milliseconds(200), down: milliseconds(500) },
    weight: 1,
    demotion: 0,
    ...given,
  };
}

export const WAN2 = exampleGateway({
  name: 'wan2',
  interface: 'wan2',
  device: 'wan2',
  address: '203.0.113.1',
  sources: ['203.0.113.201'],
  virtualSources: ['203.0.113.200'],
  monitor: '192.0.2.9',
});

export function exampleGroup(given: Partial<GatewayGroup> = {}): GatewayGroup {
  return {
    name: 'failover',
    members: [
      { gateway: 'wan1', tier: 1, weight: 1 },
      { gateway: 'wan2', tier: 2, weight: 1 },
    ],
    trigger: 'down',
    sticky: true,
    ...given,
  };
}

export function exampleRouting(given: Partial<RoutingConfiguration> = {}): RoutingConfiguration {
  return {
    gateways: [exampleGateway(), WAN2],
    groups: [exampleGroup()],
    defaults: ['failover'],
    nodeDefaults: [],
    routes: [],
    ...given,
  };
}

export function routed(routing: RoutingConfiguration | undefined): PairConfiguration {
  return { ...configurationOf({}), routing };
}
