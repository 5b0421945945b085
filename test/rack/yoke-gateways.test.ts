// Two providers: by which of them a connection leaves, when one of them dies, and what the pair
// makes of it. The host on the internet tells from which address it was asked.
import { expect, test } from 'vitest';
import type { EventRecord } from '../../firmware/core/telemetry/event-record.ts';
import { watchVips } from './client-traffic.ts';
import { command } from './command.ts';
import { HOST } from './dual-wan.ts';
import { eventually } from './eventually.ts';
import { Pair } from './pair.ts';
import { Rack } from './rack.ts';
import { SITE_VIPS, VIPS } from './rack-plan.ts';
import { Sessions } from './sessions.ts';
import { YOKE, YokePair, type YokeSpeaker } from './yoke-pair.ts';

/** Port that a rule sends by wan2, whatever the default gateway is. */
const MARKED_PORT = 7009;
const WAN1 = VIPS.wan.address;
const WAN2 = SITE_VIPS.wan2.address;

const PACE = 'interval: 100ms, timeout: 500ms, window: 2s, hold: 1s, demotion: 50';
const AREAS = `gateways:
  wan1: { interface: wan, address: 198.51.100.1, monitor: ${HOST.monitors[0]}, ${PACE} }
  wan2: { interface: wan2, address: 203.0.113.1, monitor: ${HOST.monitors[1]}, ${PACE} }
gatewayGroups:
  failover:
    members: [{ gateway: wan1, tier: 1 }, { gateway: wan2, tier: 2 }]
defaultGateway: failover
firewall:
  rules:
    - { name: by-wan2, from: lan, action: accept, protocol: tcp, ports: ${MARKED_PORT},
        gateway: wan2 }
    - { name: lan-out, from: lan, action: accept }
nat: { outbound: { mode: automatic } }
`;

interface Stage {
  readonly pair: Pair<YokeSpeaker>;
  readonly watch: Awaited<ReturnType<typeof watchVips>>;
}

async function stage(rack: Rack): Promise<Stage> {
  const watch = await watchVips(rack);
  const pair = await Pair.start(rack, watch, new YokePair({ site: 'dual-wan', areas: AREAS }));
  for (const speaker of Object.values(pair.speakers)) {
    await untilGateway(speaker, 'wan1', 'up');
    await untilGateway(speaker, 'wan2', 'up');
  }
  await pair.fit();
  return { pair, watch };
}

/** Once the last that the node said of the gateway is this state. */
async function untilGateway(speaker: YokeSpeaker, name: string, state: string): Promise<void> {
  const isOf = ({ kind, text }: EventRecord) =>
    kind === 'target' && text.startsWith(`gateway ${name}: `);
  await eventually(`gateway ${name} is ${state} on ${speaker.node.name}`, async () => {
    const last = (await speaker.events()).findLast(isOf);
    return last?.text.includes(` -> ${state}: `) || undefined;
  });
}

const open = (rack: Rack, kind: 'tcp' | 'udp', port?: number) =>
  Sessions.open(rack, kind, 5, HOST.address, rack.client, port);

/** The address from which a new connection reaches the host. */
async function seenFrom(rack: Rack, port?: number): Promise<readonly string[]> {
  return (await (await open(rack, 'tcp', port)).ask()).from;
}

/** Routes move right after the state was told: asked until they have. */
function untilSeenFrom(rack: Rack, address: string): Promise<true> {
  return eventually(`new connections come from ${address}`, async () =>
    (await seenFrom(rack)).join() === address ? true : undefined,
  );
}

test('new connections leave a dead provider and come back, living ones stay', async () => {
  using rack = await Rack.build({ site: 'dual-wan' });
  const { pair, watch } = await stage(rack);
  const { dualWan } = rack;
  const { a, b } = pair.speakers;
  await Sessions.serve(rack, dualWan.host);
  await Sessions.serve(rack, dualWan.host, MARKED_PORT);

  expect(await seenFrom(rack)).toEqual([WAN1]);
  expect(await seenFrom(rack, MARKED_PORT)).toEqual([WAN2]);
  const marked = await open(rack, 'tcp', MARKED_PORT);
  const talking = await open(rack, 'udp');

  await dualWan.cutBehind('isp1');
  await untilGateway(a, 'wan1', 'down');
  await untilGateway(b, 'wan1', 'down');
  await untilSeenFrom(rack, WAN2);
  await a.untilStatus('raises an alert', ({ alerts }) =>
    alerts.some(({ code }) => code === 'gateway:wan1'),
  );
  const table = await command(YOKE, ['gateways', '--runtime', rack.nodes.a.directories.runtime]);
  expect(table).toMatch(/^wan1 +down/m);
  expect(table).toMatch(/^wan2 +up .* failover$/m);
  expect(await marked.ask()).toMatchObject({ answered: 5, same: 5, from: [WAN2] });
  // Datagrams of a session that was on the dead provider go on by the other one.
  expect(await talking.ask()).toMatchObject({ answered: 5, from: [WAN2] });
  const young = await open(rack, 'tcp');

  await dualWan.mendBehind('isp1');
  await untilGateway(a, 'wan1', 'up');
  await untilSeenFrom(rack, WAN1);
  expect(await young.ask()).toMatchObject({ answered: 5, same: 5, from: [WAN2] });
  expect(await marked.ask()).toMatchObject({ answered: 5, same: 5, from: [WAN2] });

  // Both nodes lost the same provider: there was no better one to move to.
  expect(await pair.settled()).toBe('a');
  expect(await b.promotions()).toBe(0);
  expect(watch.doubleAnswers).toEqual([]);
});

test('a node that alone does not reach a provider gives the place to the other one', async () => {
  using rack = await Rack.build({ site: 'dual-wan' });
  const { pair } = await stage(rack);
  const { a, b } = pair.speakers;
  const provider = rack.dualWan.isp1.port('wan');
  const node = rack.nodes.a.port('wan');
  const ways = [
    { from: provider, to: node },
    { from: node, to: provider },
  ];

  await rack.switches.block(ways, 'all');
  await untilGateway(a, 'wan1', 'down');
  await b.untilState('MASTER');
  const { demotions } = await a.status();
  expect(demotions).toContainEqual(
    expect.objectContaining({ reason: 'target:wan1', weight: 50, owner: 'gateways' }),
  );

  await rack.switches.unblock(ways);
  await a.untilStatus('is no longer demoted', (status) => status.demotions.length === 0);
  expect(await pair.settled('a')).toBe('a');
});
