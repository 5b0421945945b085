// The pair as a gateway: its own rules, rendered from cluster.yaml, before and after a failover.
import { expect, test } from 'vitest';
import { watchVips } from './client-traffic.ts';
import { Faults } from './faults.ts';
import { applyRules, serveAt, untilWhole, ways } from './gateway-traffic.ts';
import { Pair } from './pair.ts';
import { Rack } from './rack.ts';
import { CLIENT, LAN_VIP_IPV6, SERVER, SITE_VIPS, VIPS } from './rack-plan.ts';
import { Sessions } from './sessions.ts';
import { YokePair, type YokeSpeaker } from './yoke-pair.ts';

const SESSIONS = 50;

async function start(
  rack: Rack,
  options: ConstructorParameters<typeof YokePair>[0],
): Promise<Pair<YokeSpeaker>> {
  const watch = await watchVips(rack);
  const pair = await Pair.start(rack, watch, new YokePair(options));
  await applyRules(rack);
  await untilWhole(pair);
  return pair;
}

test('an office: out as the VIP, in by forwards only, inside by the outer address', async () => {
  using rack = await Rack.build();
  const neighbour = await rack.addStation('192.168.1.50/24');
  await neighbour.namespace.ip(`route add default via ${VIPS.lan.address}`);
  const pair = await start(rack, {
    areas: `
aliases: { addresses: { office: [192.168.1.0/24] }, ports: { web: [443, 8443] } }
firewall:
  rules:
    # Neither the pair nor who administers it can be kept out by mistake.
    - { name: closed, to: node, action: drop }
    - { name: lan-out, from: lan, to: wan, action: accept, source: office }
nat:
  outbound: { interfaces: [wan] }
  forwards: [{ name: web, interface: wan, ports: 443, target: ${CLIENT.address}, targetPort: 8443 }]
`,
  });
  const { client, server } = rack;
  await serveAt(server, 7000);
  await serveAt(client, 22, 8443);
  await Sessions.serve(rack);
  const tcp = await Sessions.open(rack, 'tcp', SESSIONS);
  const table = [
    [client, SERVER.address, 7000, VIPS.wan.address],
    [server, VIPS.wan.address, 443, SERVER.address],
    // Seen from the gateway: its answer must not go directly to the neighbour.
    [neighbour, VIPS.wan.address, 443, VIPS.lan.address],
    [server, CLIENT.address, 8443, 'silent'],
    [server, CLIENT.address, 22, 'silent'],
    [server, VIPS.wan.address, 22, 'silent'],
    [client, VIPS.lan.address, 80, 'silent'],
    // Nobody listens there, but somebody may come and administer.
    [client, VIPS.lan.address, 22, 'refused'],
    [client, LAN_VIP_IPV6, 22, 'refused'],
    [client, LAN_VIP_IPV6, 80, 'silent'],
  ] as const;
  const { a, b } = rack.nodes;
  const before = await ways([
    ...table,
    // What a node itself sends is never translated, whether it is MASTER or not.
    [a, SERVER.address, 7000, a.address('wan')],
    [b, SERVER.address, 7000, b.address('wan')],
  ]);
  expect(before.found).toEqual(before.expected);

  await untilEqual(pair);
  await new Faults(rack).powerLoss('a');
  await pair.speakers.b.untilState('MASTER');
  const all = { sessions: SESSIONS, answered: SESSIONS, same: SESSIONS };
  expect(await tcp.ask()).toMatchObject(all);
  const after = await ways(table);
  expect(after.found).toEqual(after.expected);
});

test('two providers and a DMZ: one mail server with an address at each', async () => {
  using rack = await Rack.build({ site: 'dual-wan' });
  const { isp2, host, mail } = rack.dualWan;
  const [outer1, outer2] = ['198.51.100.203', SITE_VIPS.wan2.address];
  for (const { namespace } of Object.values(rack.nodes)) {
    // What the engine of the routes makes of the marks.
    await namespace.ip(
      'route add default via 198.51.100.1 dev wan',
      'route add default via 203.0.113.1 dev wan2 table 1002',
      'rule add pref 100 lookup main suppress_prefixlength 0',
      'rule add pref 200 fwmark 0x00020000/0x00ff0000 lookup 1002',
    );
  }
  const pair = await start(rack, {
    site: 'dual-wan',
    wanAlias: `${outer1}/24`,
    areas: `
aliases: { addresses: { mailhost: [192.168.3.10] }, ports: { mail: [25, 993] } }
gateways:
  isp1: { interface: wan, address: 198.51.100.1, monitor: none }
  isp2: { interface: wan2, address: 203.0.113.1, monitor: none }
firewall:
  default: reject
  rules:
    - { name: mail-in, from: [wan, wan2, lan], to: dmz, action: accept, destination: mailhost,
        protocol: tcp, ports: mail }
    - { name: mail-out, from: dmz, to: [wan, wan2], action: accept, source: mailhost, protocol: tcp,
        ports: 25 }
    - { name: second, from: lan, action: accept, protocol: tcp, ports: 7002, gateway: isp2 }
    - { name: lan-out, from: lan, to: [wan, wan2], action: accept }
nat:
  oneToOne:
    - { name: mail1, interface: wan, external: ${outer1}, internal: 192.168.3.10 }
    - { name: mail2, interface: wan2, external: ${outer2}, internal: 192.168.3.10 }
`,
  });
  const { client } = rack;
  await serveAt(mail, 22, 25);
  await serveAt(host, 25, 7001, 7002);
  await serveAt(client, 25);
  const outside = '192.0.2.100';
  const table = [
    [host, outer1, 25, outside],
    // The answer leaves by the provider the question came by.
    [host, outer2, 25, outside],
    [mail, outside, 25, outer1],
    [client, outside, 7001, VIPS.wan.address],
    [client, outside, 7002, SITE_VIPS.wan2.address],
    [client, '192.168.3.10', 25, CLIENT.address],
    [client, outer1, 25, CLIENT.address],
    [host, outer1, 22, 'refused'],
    [isp2, outer2, 22, 'refused'],
    [mail, CLIENT.address, 25, 'refused'],
    [mail, outside, 7001, 'refused'],
  ] as const;
  const before = await ways(table);
  expect(before.found).toEqual(before.expected);

  await new Faults(rack).powerLoss('a');
  await pair.speakers.b.untilState('MASTER');
  const after = await ways(table);
  expect(after.found).toEqual(after.expected);
});

/** Every flow of the one node is at the other one. */
async function untilEqual({ speakers }: Pair<YokeSpeaker>): Promise<void> {
  for (const speaker of Object.values(speakers)) {
    await speaker.untilStatus(
      'has the flows of the peer',
      ({ flows }) => flows !== null && flows.local >= SESSIONS && flows.local === flows.peer,
    );
  }
}
