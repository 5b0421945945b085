/** Area `nat` of cluster.yaml: what is translated on its way out and in. */
import { z } from 'zod';
import { networks, ports } from './alias-schema.ts';
import { address, anyName, flag, interfaceName, number, oneOf, settings, text } from './fields.ts';
import { protocols } from './firewall-schema.ts';

const name = (of: string) => anyName().describe(`Name of the ${of}, unique among them.`);

const on = (what: string) => interfaceName().describe(what);

const EXPECT_VIP = 'the name of a VIP or one of its addresses';
const EXPECT_TRANSLATION = `${EXPECT_VIP}, or none`;

const outboundRuleSchema = settings({
  name: name('outbound rule'),
  interface: on('Interface by which it leaves.'),
  source: networks().default('any').describe('Addresses of the senders. Default: any.'),
  destination: networks().default('any').describe('Addresses of the receivers. Default: any.'),
  protocol: protocols().default('any').describe('Protocol, or a list of them. Default: any.'),
  ports: ports()
    .default('any')
    .describe('Ports of the receivers; needs protocol tcp, udp, sctp or udplite. Default: any.'),
  translate: z
    .string({ error: EXPECT_TRANSLATION })
    .min(1, { error: EXPECT_TRANSLATION })
    .max(63, { error: EXPECT_TRANSLATION })
    .describe(
      'What the world sees as sender: a VIP (its first address of the family), an address of a ' +
        'VIP, or none: not translated.',
    ),
});

const forwardSchema = settings({
  name: name('forward'),
  interface: on('Interface by which the connections come in.'),
  vip: text(EXPECT_VIP, /^[A-Za-z0-9:][A-Za-z0-9_.:-]{0,62}$/)
    .optional()
    .describe(
      'VIP (its first address of the family), or address of a VIP, that is forwarded. Default: ' +
        'the first VIP of the interface that has the family.',
    ),
  protocol: z
    .union([z.enum(['tcp', 'udp']), z.array(z.enum(['tcp', 'udp'])).min(1)], {
      error: 'tcp, udp or [tcp, udp]',
    })
    .default('tcp')
    .describe('tcp, udp or both. Default: tcp.'),
  ports: ports().describe('Ports of the VIP that are forwarded.'),
  target: address().describe('Address of the machine inside.'),
  targetPort: number('a port from 1 to 65535', 1, 65535)
    .optional()
    .describe('Port there, 1-65535. Default: the same.'),
  source: networks().default('any').describe('From whom connections are forwarded. Default: any.'),
  accept: flag()
    .default(true)
    .describe(
      'Whether what is forwarded may pass without a rule of the firewall. A rule that matches ' +
        'decides first. Default: true.',
    ),
  reflection: flag()
    .default(true)
    .describe(
      'Whether machines inside reach it by the address of the VIP, too (hairpin). Default: true.',
    ),
});

const oneToOneSchema = settings({
  name: name('translation'),
  interface: on('Interface on which the outer address is.'),
  external: address().describe('Outer address: one of a VIP of the interface.'),
  internal: address().describe('Address of the machine inside.'),
  reflection: flag()
    .default(true)
    .describe('Whether machines inside reach it by the outer address, too. Default: true.'),
});

export const natSchema = settings({
  outbound: settings({
    mode: oneOf(['automatic', 'hybrid', 'manual'])
      .default('automatic')
      .describe(
        'automatic: IPv4 of all networks inside leaves as the VIP of the interface. hybrid: the ' +
          'rules first. manual: only the rules. Default: automatic.',
      ),
    interfaces: z
      .array(interfaceName(), { error: 'a list of interfaces' })
      .min(1, { error: 'a list of at least one interface' })
      .optional()
      .describe(
        'Outer interfaces: what leaves by them is translated by automatic and hybrid. Default: ' +
          'those with a gateway.',
      ),
    rules: z
      .array(outboundRuleSchema, { error: 'a list of rules' })
      .default([])
      .describe('The first that matches a new connection decides. Default: none.'),
  })
    .prefault({})
    .describe('Translation of senders. What the nodes themselves send is never translated.'),
  forwards: z
    .array(forwardSchema, { error: 'a list of forwards' })
    .default([])
    .describe('Ports of VIPs that lead to machines inside. Default: none.'),
  oneToOne: z
    .array(oneToOneSchema, { error: 'a list of translations' })
    .default([])
    .describe('Machines inside that have an outer address for themselves. Default: none.'),
});
