import { BlockList, isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  canonicalIpAddress,
  compareIpAddresses,
  formatIpAddress,
  ipAddressBytes,
  ipFamily,
  isIpv6LinkLocal,
  isMulticast,
  parseCidr,
  parseIpAddress,
  prefixContains,
} from '../../firmware/wire/ip-address.ts';
import { hex } from './frames/recorded-frames.ts';

const anyAddressBytes = fc.oneof(
  fc.uint8Array({ minLength: 4, maxLength: 4 }),
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
  // Many zero words, so that every place and length of `::` occurs.
  fc
    .array(fc.constantFrom(0, 0, 0, 1, 0xff, 0xabcd, 0xffff), { minLength: 8, maxLength: 8 })
    .map((words) => Uint8Array.from(words.flatMap((word) => [word >> 8, word & 0xff]))),
);
const anyAddress = anyAddressBytes.map(formatIpAddress);

/** Something near an address: the right alphabet, or an address with a piece changed. */
const nearAddress = fc.oneof(
  fc.string({ unit: fc.constantFrom(...'0123456789abcdefAF:.'), maxLength: 45 }),
  fc
    .tuple(
      fc.oneof(fc.ipV4(), fc.ipV6()),
      fc.nat(45),
      fc.nat(2),
      fc.constantFrom(...'0:.fg1 ', '::', ''),
    )
    .map(([text, at, cut, piece]) => text.slice(0, at) + piece + text.slice(at + cut)),
);

/**
 * The canonical text by the URL parser of the platform, which knows no dotted quads inside IPv6.
 */
function canonicalByUrl(text: string): string {
  const { hostname } = new URL(text.includes(':') ? `http://[${text}]/` : `http://${text}/`);
  const plain = hostname.replace(/^\[|\]$/g, '');
  const mapped = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(plain);
  if (mapped === null) {
    return plain;
  }
  const [high = 0, low = 0] = mapped.slice(1).map((word) => Number.parseInt(word, 16));
  return `::ffff:${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}

describe('parsing and formatting', () => {
  test('accepts exactly what the platform accepts', () => {
    fc.assert(
      fc.property(nearAddress, (text) => {
        expect(parseIpAddress(text) !== undefined).toBe(isIP(text) !== 0);
      }),
      { numRuns: 20_000 },
    );
  });

  test('canonical text is what the platform writes', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), anyAddress), (text) => {
        expect(canonicalIpAddress(text)).toBe(canonicalByUrl(text));
      }),
      { numRuns: 5_000 },
    );
  });

  test('bytes survive the way through text', () => {
    fc.assert(
      fc.property(anyAddressBytes, (address) => {
        const text = formatIpAddress(address);
        expect(hex(ipAddressBytes(text))).toBe(hex(address));
        expect(canonicalIpAddress(text)).toBe(text);
        expect(canonicalIpAddress(text.toUpperCase())).toBe(text);
        expect(ipFamily(text)).toBe(address.length === 4 ? 4 : 6);
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ['2001:0DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['::ffff:c000:0201', '::ffff:192.0.2.1'],
    ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
    ['192.0.2.1', '192.0.2.1'],
  ])('RFC 5952: %s is written %s', (text, canonical) => {
    expect(canonicalIpAddress(text)).toBe(canonical);
  });

  test.each([
    '',
    ' ',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '010.0.0.1',
    '1.2.3.4 ',
    '0x1.2.3.4',
    '1.2.3.-4',
    '１.2.3.4',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4::5:6:7:8',
    '12345::',
    '::1.2.3',
    '1.2.3.4::',
    '::1.2.3.4:5',
    'fe80::1%eth0',
    '[::1]',
    '::1/64',
  ])('%j is no address', (text) => {
    expect(parseIpAddress(text)).toBeUndefined();
    expect(() => ipAddressBytes(text)).toThrow(RangeError);
  });

  test('no text whatever makes it throw', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        parseIpAddress(text);
        parseCidr(text);
      }),
    );
  });

  test('a length that is no address is a mistake of ours', () => {
    expect(() => formatIpAddress(new Uint8Array(5))).toThrow(RangeError);
  });
});

describe('order', () => {
  test('is that of the numbers, IPv4 first', () => {
    const number = (text: string) => BigInt(`0x${hex(ipAddressBytes(text))}`);
    fc.assert(
      fc.property(anyAddress, anyAddress, (one, other) => {
        const numeric = number(one) < number(other) ? -1 : number(one) > number(other) ? 1 : 0;
        const expected = ipFamily(one) - ipFamily(other) || numeric;
        expect(Math.sign(compareIpAddresses(one, other))).toBe(Math.sign(expected));
      }),
    );
  });

  test('is unsigned and most significant byte first', () => {
    expect(compareIpAddresses('127.0.0.1', '128.0.0.0')).toBeLessThan(0);
    expect(compareIpAddresses('10.77.1.1', '10.77.0.2')).toBeGreaterThan(0);
    expect(compareIpAddresses('223.255.255.254', '::')).toBeLessThan(0);
  });
});

describe('prefixes', () => {
  test.each([
    ['192.0.2.1/24', { address: '192.0.2.1', prefix: 24 }],
    ['2001:DB8::1/64', { address: '2001:db8::1', prefix: 64 }],
    ['0.0.0.0/0', { address: '0.0.0.0', prefix: 0 }],
    ['::/128', { address: '::', prefix: 128 }],
  ])('%s', (text, cidr) => {
    expect(parseCidr(text)).toEqual(cidr);
  });

  test.each([
    '192.0.2.1',
    '192.0.2.1/',
    '192.0.2.1/33',
    '192.0.2.1/024',
    '192.0.2.1/-1',
    '192.0.2.1/ 24',
    '192.0.2.1/24/24',
    '::1/129',
    '/24',
    '24',
    '',
    'lan/24',
  ])('%j is refused', (text) => {
    expect(parseCidr(text)).toBeUndefined();
  });

  test('containment agrees with the platform', () => {
    const cidr = fc.tuple(anyAddress, fc.nat(128)).map(([address, prefix]) => {
      return { address, prefix: Math.min(prefix, ipFamily(address) === 4 ? 32 : 128) };
    });
    // Flipping one bit of the network address gives candidates on both sides of the prefix.
    const candidate = fc.tuple(cidr, fc.nat(127)).map(([network, bit]) => {
      const address = ipAddressBytes(network.address);
      const at = (bit >> 3) % address.length;
      address[at] = (address[at] ?? 0) ^ (1 << (bit & 7));
      return { network, address: formatIpAddress(address) };
    });
    fc.assert(
      fc.property(candidate, ({ network, address }) => {
        const family = ipFamily(address) === 4 ? 'ipv4' : 'ipv6';
        const list = new BlockList();
        list.addSubnet(network.address, network.prefix, family);
        expect(prefixContains(network, address)).toBe(list.check(address, family));
        expect(prefixContains(network, network.address)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  test('never contains an address of the other family', () => {
    expect(prefixContains({ address: '0.0.0.0', prefix: 0 }, '::')).toBe(false);
    expect(prefixContains({ address: '::', prefix: 0 }, '0.0.0.0')).toBe(false);
  });
});

test.each([
  ['fe80::1', true, false],
  ['febf:ffff::1', true, false],
  ['fec0::1', false, false],
  ['fe7f::1', false, false],
  ['169.254.0.1', false, false],
  ['ff02::12', false, true],
  ['224.0.0.18', false, true],
  ['239.255.255.255', false, true],
  ['240.0.0.1', false, false],
  ['223.255.255.255', false, false],
])('%s: link-local %s, multicast %s', (address, linkLocal, multicast) => {
  expect(isIpv6LinkLocal(address)).toBe(linkLocal);
  expect(isMulticast(address)).toBe(multicast);
});
