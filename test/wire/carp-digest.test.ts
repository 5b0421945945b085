import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeCarpAdvertisement } from '../../firmware/wire/carp-advertisement.ts';
import { carpDigest, verifyCarpDigest } from '../../firmware/wire/carp-digest.ts';
import { formatIpAddress } from '../../firmware/wire/ip-address.ts';
import { bytes, digestVectors, hex, ucarpFrames, utf8 } from './frames/recorded-frames.ts';

const form = 'with-link-local';
const subject = {
  password: utf8('labsecret'),
  vhid: 1,
  addresses: ['192.168.1.1', '192.168.1.4', '2001:db8:1::1', 'fe80::5e'],
  counter: 7n,
};
const anyAddresses = fc.array(
  fc
    .oneof(
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
    )
    .map(formatIpAddress),
  { maxLength: 8 },
);

describe('digests of the BSD hash routine', () => {
  test.each(digestVectors)('$id: $note', (vector) => {
    expect(hex(carpDigest({ ...vector, form }))).toBe(vector.digest);
    expect(verifyCarpDigest({ ...vector, digest: bytes(vector.digest) })).toBe('with-link-local');
  });

  test.each(digestVectors.filter((vector) => vector.openbsdDigest !== undefined))(
    '$id as OpenBSD sends it',
    (vector) => {
      const digest = vector.openbsdDigest ?? '';
      expect(hex(carpDigest({ ...vector, form: 'without-link-local' }))).toBe(digest);
      expect(verifyCarpDigest({ ...vector, digest: bytes(digest) })).toBe('without-link-local');
    },
  );
});

test.each(ucarpFrames)('digest of $id', ({ frame, vhid, password, addresses }) => {
  const advertisement = decodeCarpAdvertisement(frame.subarray(34));
  const counter = advertisement?.counter ?? 0n;
  const digest = advertisement?.digest ?? bytes('');
  expect(verifyCarpDigest({ password, vhid, addresses, counter, digest })).toBe('with-link-local');
});

describe('the address set', () => {
  test('order and duplicates do not matter', () => {
    fc.assert(
      fc.property(anyAddresses, fc.infiniteStream(fc.nat(1000)), (addresses, rank) => {
        const shuffled = [...addresses, ...addresses]
          .map((address) => ({ address, rank: rank.next().value ?? 0 }))
          .sort((one, other) => one.rank - other.rank)
          .map(({ address }) => address);
        const digest = carpDigest({ ...subject, addresses, form });
        expect(hex(carpDigest({ ...subject, addresses: shuffled, form }))).toBe(hex(digest));
      }),
    );
  });

  test('all-zeros and all-ones are never hashed', () => {
    const never = ['0.0.0.0', '255.255.255.255', '::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'];
    const addresses = [...never, ...subject.addresses];
    expect(hex(carpDigest({ ...subject, addresses, form }))).toBe(
      hex(carpDigest({ ...subject, form })),
    );
  });

  test('bytes 2 and 3 of a link-local address do not count, those of others do', () => {
    const digestOf = (...addresses: string[]) => hex(carpDigest({ ...subject, addresses, form }));
    expect(digestOf('fe80:7::5e')).toBe(digestOf('fe80::5e'));
    expect(digestOf('fe80:7::5e', 'fe80::5e')).toBe(digestOf('fe80::5e'));
    expect(digestOf('2001:7::5e')).not.toBe(digestOf('2001::5e'));
  });

  test('every address counts', () => {
    const whole = hex(carpDigest({ ...subject, form }));
    for (const missing of subject.addresses) {
      const addresses = subject.addresses.filter((address) => address !== missing);
      expect(hex(carpDigest({ ...subject, addresses, form }))).not.toBe(whole);
    }
  });
});

describe('verification', () => {
  const digest = carpDigest({ ...subject, form });

  test('refuses another password, VHID, counter, address set, and every changed bit', () => {
    expect(verifyCarpDigest({ ...subject, digest })).toBe('with-link-local');
    const others = [
      { password: utf8('Labsecret') },
      { password: utf8('') },
      { vhid: 2 },
      { counter: 8n },
      { addresses: subject.addresses.slice(1) },
    ];
    for (const other of others) {
      expect(verifyCarpDigest({ ...subject, ...other, digest })).toBeUndefined();
    }
    for (let bit = 0; bit < digest.length * 8; bit++) {
      const changed = Uint8Array.from(digest);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(verifyCarpDigest({ ...subject, digest: changed })).toBeUndefined();
    }
  });

  test('a digest of another length is wrong, not an error', () => {
    expect(verifyCarpDigest({ ...subject, digest: bytes('00') })).toBeUndefined();
  });

  test('no password is 20 zero bytes', () => {
    const empty = { ...subject, password: new Uint8Array(0) };
    const zeros = { ...subject, password: new Uint8Array(20) };
    expect(hex(carpDigest({ ...empty, form }))).toBe(hex(carpDigest({ ...zeros, form })));
  });
});
