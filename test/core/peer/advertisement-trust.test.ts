/** The peer's own new advertisements are told from repeated ones, and from others'. */
import { describe, expect, it } from 'vitest';
import { AdvertisementTrust } from '../../../firmware/core/peer/advertisement-trust.ts';

const TAG = 7;
const counter = (count: number | bigint, tag = TAG): bigint =>
  (BigInt(count) * 2n ** 32n + BigInt(tag)) % 2n ** 64n;
const heard = (count: number | bigint, tag = TAG, family: 4 | 6 = 4) => {
  return { family, counter: counter(count, tag) };
};

const ipv4 = (number: bigint) => ({ family: 4, counter: number }) as const;

describe('an advertisement', () => {
  it('with the tag of the peer and a new number is its own', () => {
    const trust = new AdvertisementTrust();
    expect(trust.repeats('eth1/1', heard(5))).toBe(false);
    expect(trust.repeats('eth1/1', heard(9))).toBe(false);
    expect(trust.repeats('eth0/200', heard(5))).toBe(false);
  });

  it('is counted by family: the two may overtake each other', () => {
    const trust = new AdvertisementTrust();
    expect(trust.repeats('eth1/1', heard(6, TAG, 6))).toBe(false);
    expect(trust.repeats('eth1/1', heard(5))).toBe(false);
    expect(trust.repeats('eth1/1', heard(6, TAG, 6))).toBe(true);
  });

  it('that was heard before, or is older, is forged', () => {
    const trust = new AdvertisementTrust();
    trust.repeats('eth1/1', heard(5));
    expect(trust.repeats('eth1/1', heard(5))).toBe(true);
    expect(trust.repeats('eth1/1', heard(4))).toBe(true);
  });

  it('of the other family has a line of its own: the two may overtake each other', () => {
    const trust = new AdvertisementTrust();
    expect(trust.repeats('eth1/1', { family: 6, counter: counter(6) })).toBe(false);
    expect(trust.repeats('eth1/1', ipv4(counter(5)))).toBe(false);
  });

  it('counts over the end of its numbers', () => {
    const trust = new AdvertisementTrust();
    trust.repeats('eth1/1', heard(2n ** 32n - 1n));
    expect(trust.repeats('eth1/1', heard(0))).toBe(false);
    expect(trust.repeats('eth1/1', heard(2n ** 32n - 1n))).toBe(true);
  });

  it('of another life begins anew', () => {
    const trust = new AdvertisementTrust();
    trust.repeats('eth1/1', heard(500));
    expect(trust.repeats('eth1/1', heard(3, 8))).toBe(false);
    expect(trust.repeats('eth1/1', heard(3, 8))).toBe(true);
    expect(trust.repeats('eth1/1', heard(500))).toBe(true);
  });

  it('is forgotten when a thousand others have come: memory is bounded', () => {
    const trust = new AdvertisementTrust();
    trust.repeats('eth1/1', heard(5));
    for (let tag = 100; tag < 1_200; tag += 1) trust.repeats('eth1/1', heard(5, tag));
    expect(trust.repeats('eth1/1', heard(5, 1_199))).toBe(true);
    expect(trust.repeats('eth1/1', heard(5))).toBe(false);
  });
});

describe('a stranger', () => {
  it('is counted while it counts on, whatever its stride', () => {
    const trust = new AdvertisementTrust();
    const said = [counter(1, 9), counter(2, 9), counter(2, 10), counter(2, 10), counter(3, 9)];
    expect(said.map((each) => trust.stranger('eth1/1', each, TAG))).toEqual([1, 2, 3, 1, 2]);
    expect(trust.stranger('eth0/200', counter(9, 9), TAG)).toBe(1);
  });

  it('is not the peer itself, repeated', () => {
    expect(new AdvertisementTrust().stranger('eth1/1', counter(1), TAG)).toBe(0);
  });
});
