/**
 * Area `aliases` of cluster.yaml: names for addresses and ports, and the fields of other areas that
 * may use them.
 */
import { z } from 'zod';
import { settings, text } from './fields.ts';
import { parseNetwork } from './written-network.ts';
import { parsePorts } from './written-ports.ts';

/** Begins with a letter, so that it is told from an address (that of IPv6 has a colon) or port. */
const ALIAS_NAME = /^[A-Za-z][A-Za-z0-9_.-]{0,31}$/;
const EXPECT_ALIAS =
  'a name of an alias: a letter, then up to 31 letters, digits, "-", "_" or "."; not any or none';
const EXPECT_NETWORK =
  'an address, a network such as 192.168.1.0/24, a range such as 192.0.2.1-192.0.2.9, or the ' +
  'name of an alias';
const EXPECT_PORT = 'a port from 1 to 65535, a range such as 8000-8100, or the name of an alias';
const RESERVED = ['any', 'none'];

const isName = (value: string): boolean => ALIAS_NAME.test(value) && !RESERVED.includes(value);

const aliasName = () =>
  text(EXPECT_ALIAS, ALIAS_NAME).refine((value) => !RESERVED.includes(value), {
    error: EXPECT_ALIAS,
  });

const network = () =>
  z
    .string({ error: EXPECT_NETWORK })
    .refine((value) => isName(value) || parseNetwork(value) !== undefined, {
      error: EXPECT_NETWORK,
    })
    .meta({ pattern: '^[A-Za-z0-9:][A-Za-z0-9_.:/-]*$' });

const port = () =>
  z.union(
    [
      z.int().min(1).max(65535),
      z
        .string()
        .refine((value) => isName(value) || parsePorts(value) !== undefined)
        .meta({ pattern: '^[A-Za-z0-9][A-Za-z0-9_.-]*$' }),
    ],
    { error: EXPECT_PORT },
  );

/** One or a list; `any` is to be said by leaving the field out, or by the word. */
export const networks = () => oneOrMore(network(), EXPECT_NETWORK, 'any');

export const ports = () => oneOrMore(port(), EXPECT_PORT, 'any');

function oneOrMore<Item extends z.ZodType>(item: Item, expected: string, word: 'any') {
  const error = `${expected}; or a list of these, or ${word}`;
  return z.union([z.literal(word), item, z.array(item, { error }).min(1, { error })], { error });
}

export const aliasesSchema = settings({
  addresses: z
    .record(aliasName(), z.array(network(), { error: EXPECT_NETWORK }), {
      error: 'a mapping of names to lists of addresses',
    })
    .default({})
    .describe(
      'Names for addresses, networks, ranges and other aliases, IPv4 and IPv6. An empty list ' +
        'matches nothing. Default: none.',
    ),
  ports: z
    .record(aliasName(), z.array(port(), { error: EXPECT_PORT }), {
      error: 'a mapping of names to lists of ports',
    })
    .default({})
    .describe('Names for ports, ranges of ports and other such aliases. Default: none.'),
});
