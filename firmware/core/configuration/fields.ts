/**
 * The kinds of value a setting may hold, shared by the schema of every area. The message of a
 * check is the second half of the sentence "found X, expected ...".
 */
import { z } from 'zod';
import { canonicalIpAddress, parseCidr } from '../../wire/ip-address.ts';
import type { Duration } from '../time.ts';
import { DURATION_PATTERN, parseDuration } from './duration-text.ts';

export const ANY_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/;
export const INTERFACE_NAME = /^[a-z][a-z0-9_-]{0,31}$/;
/** The kernel's dev_valid_name(), but printable ASCII only and no leading `.` or `-`. */
export const DEVICE_NAME = /^[A-Za-z0-9_][!-.0-9;-~]{0,14}$/;

const EXPECT_NAME =
  'a name of up to 63 letters, digits, "-", "_" or "." (in quotes if it looks like a number)';
const EXPECT_INTERFACE =
  'a logical name such as wan, lan or sync (lower case, up to 32 characters)';
export const EXPECT_DEVICE = 'the name of a Linux device such as eth0, at most 15 characters';
export const EXPECT_CIDR = 'an address with prefix length such as 192.168.1.2/24';
const EXPECT_ADDRESS = 'an address without prefix length such as 192.168.1.3';

export const settings = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z.strictObject(shape, { error: 'a mapping with the settings of this section' });

export const text = (expected: string, pattern: RegExp) =>
  z.string({ error: expected }).regex(pattern, { error: expected });

/** Of a node, a VIP, a rule, a gateway: what people call it. */
export const anyName = () => text(EXPECT_NAME, ANY_NAME);

/** The logical name of an interface. */
export const interfaceName = () => text(EXPECT_INTERFACE, INTERFACE_NAME);

export const number = (expected: string, low: number, high: number) =>
  z.int({ error: expected }).min(low, { error: expected }).max(high, { error: expected });

export const oneOf = <const Words extends readonly [string, ...string[]]>(words: Words) =>
  z.enum(words, { error: words.join(' or ') });

export const flag = () => z.boolean({ error: 'true or false' });

export const cidr = () =>
  z
    .string({ error: EXPECT_CIDR })
    .refine((value) => parseCidr(value) !== undefined, { error: EXPECT_CIDR })
    .meta({ pattern: '^[0-9A-Fa-f:.]+/[0-9]{1,3}$' });

export const address = () =>
  z
    .string({ error: EXPECT_ADDRESS })
    .refine((value) => canonicalIpAddress(value) !== undefined, { error: EXPECT_ADDRESS })
    .meta({ pattern: '^[0-9A-Fa-f:.]+$' });

export const duration = (longest: Duration, longestText: string) => {
  const expected = `a duration with a unit such as 500ms, 10s or 1m, or 0; at most ${longestText}`;
  const fits = (value: string | number) => (parseDuration(value) ?? Infinity) <= longest;
  return z
    .union(
      [
        z.literal(0),
        z
          .string({ error: expected })
          .refine((value) => fits(value), { error: expected })
          .meta({ pattern: DURATION_PATTERN.source }),
      ],
      { error: expected },
    )
    .meta({});
};
