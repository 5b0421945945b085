// Random areas of cluster.yaml for the site of filter-stage.ts: most are right, some are not.
import fc from 'fast-check';

const places = fc.constantFrom('any', 'lan', 'wan1', 'node', ['lan', 'dmz'], ['any', 'node']);
const protocol = fc.constantFrom('tcp', 'udp', ['tcp', 'udp'], 'sctp', 'udplite');
const network = fc.constantFrom(
  '192.168.1.0/24',
  '10.0.0.5-10.0.0.9',
  '192.0.2.1',
  '2001:db8:1::/64',
  '2001:db8::1-2001:db8::9',
  'office',
  'both',
  'hosts',
  'empty',
  '0.0.0.0/0',
  '::/0',
);
const networks = fc.oneof(
  fc.constant('any'),
  network,
  fc.uniqueArray(network, { minLength: 1, maxLength: 4 }),
);
const port = fc.oneof(
  fc.integer({ min: 1, max: 65_535 }),
  fc.constantFrom('web', 'all', '1-65535', '8000-8100', 'none-yet'),
);
const ports = fc.oneof(fc.constant('any'), port, fc.array(port, { minLength: 1, maxLength: 4 }));
const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,20}$/);

const rule = fc.oneof(
  fc.record({
    name,
    from: places,
    to: places,
    action: fc.constantFrom('accept', 'drop', 'reject'),
    family: fc.constantFrom('any', 'ipv4', 'ipv6'),
    protocol: fc.constantFrom('any', 'icmp', 'icmpv6', 47, 112, ['tcp', 50]),
    source: networks,
    destination: networks,
    log: fc.boolean(),
  }),
  fc.record({
    name,
    from: places,
    to: places,
    action: fc.constantFrom('accept', 'drop', 'reject'),
    protocol,
    source: networks,
    destination: networks,
    sourcePorts: ports,
    ports,
    log: fc.boolean(),
    limit: fc.option(fc.constantFrom('10/second', '1/day', '600/minute'), { nil: undefined }),
  }),
  fc.record({
    name,
    from: fc.constantFrom('lan', 'any', ['lan', 'dmz']),
    to: fc.constantFrom('any', ['wan1', 'wan2']),
    action: fc.constant('accept'),
    source: networks,
    gateway: fc.constantFrom('isp1', 'isp2', 'both-isps'),
  }),
);

const outboundRule = fc.record({
  name,
  interface: fc.constantFrom('wan1', 'wan2'),
  source: networks,
  destination: networks,
  protocol,
  ports,
  translate: fc.constantFrom('none', 'wan1', 'wan2', '198.51.100.203', '2001:db8:9::200'),
});

const forward = fc.record({
  name,
  interface: fc.constantFrom('wan1', 'wan2'),
  protocol: fc.constantFrom('tcp', 'udp', ['tcp', 'udp']),
  ports,
  target: fc.constantFrom('192.168.1.10', '192.168.3.10', '2001:db8:1::10'),
  targetPort: fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined, freq: 2 }),
  source: networks,
  accept: fc.boolean(),
  reflection: fc.boolean(),
});

const oneToOne = fc.uniqueArray(
  fc.constantFrom(
    { name: 'm1', interface: 'wan1', external: '198.51.100.203', internal: '192.168.3.10' },
    { name: 'm2', interface: 'wan2', external: '203.0.113.203', internal: '192.168.3.10' },
    { name: 'm6', interface: 'wan2', external: '2001:db8:9::200', internal: '2001:db8:1::9' },
  ),
);

/** Without repeated names, which would make most lists wrong. */
const list = <Item extends { readonly name: string }>(item: fc.Arbitrary<Item>, most: number) =>
  fc.uniqueArray(item, { maxLength: most, selector: (each) => each.name });

export const gatewayAreas = fc.record({
  aliases: fc.constant({
    addresses: {
      office: ['192.168.1.0/24', '2001:db8:1::/64'],
      hosts: ['192.0.2.1', '192.0.2.2', '192.0.2.4-192.0.2.90'],
      both: ['office', 'hosts', '::/0'],
      empty: [],
    },
    ports: { web: [80, 443, '8000-8100'], all: ['1-65535'], 'none-yet': [] },
  }),
  gateways: fc.constant({
    isp1: { interface: 'wan1', address: '198.51.100.1' },
    isp2: { interface: 'wan2', address: '203.0.113.1' },
  }),
  gatewayGroups: fc.constant({
    'both-isps': { members: [{ gateway: 'isp1' }, { gateway: 'isp2', tier: 2 }] },
  }),
  firewall: fc.record({
    default: fc.constantFrom('drop', 'reject'),
    logDefault: fc.boolean(),
    rules: list(rule, 5),
  }),
  nat: fc.record({
    outbound: fc.oneof(
      fc.constant({}),
      fc.record({ mode: fc.constantFrom('hybrid', 'manual'), rules: list(outboundRule, 2) }),
    ),
    forwards: list(forward, 2),
    oneToOne,
  }),
});
