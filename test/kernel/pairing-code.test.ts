// Codes as people read them out, write them down and mistype them.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ClusterSecret } from '../../firmware/kernel/cluster-secret.ts';
import { PairingCode } from '../../firmware/kernel/pairing-code.ts';

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const EXAMPLE = '0123456789ABCDEFGHJKMNPQ';

/** What is found wrong; undefined when nothing is. */
const mistake = (text: string): string | undefined => {
  const reading = PairingCode.read(text);
  return reading.ok ? undefined : reading.found;
};

const written = (text: string): string => {
  const reading = PairingCode.read(text);
  if (!reading.ok) throw new Error(reading.found);
  return reading.code.toString();
};

describe('a code', () => {
  test('is five groups of five, and reads back as itself', () => {
    const codes = Array.from({ length: 200 }, () => PairingCode.random().toString());
    expect(new Set(codes).size).toBe(200);
    for (const code of codes) {
      expect(code).toMatch(/^[0-9A-HJKMNP-TV-Z]{5}(-[0-9A-HJKMNP-TV-Z]{5}){4}$/);
      expect(written(code)).toBe(code);
    }
  });

  test('uses every character everywhere', () => {
    const seen = Array.from({ length: 25 }, () => new Set<string>());
    for (let count = 0; count < 1_000; count++) {
      [...PairingCode.random().toString().replaceAll('-', '')].forEach((each, place) => {
        seen[place]?.add(each);
      });
    }
    for (const characters of seen) expect(characters.size).toBe(32);
  });

  test('is read however it is typed', () => {
    const [check] = [...ALPHABET].filter((each) => mistake(EXAMPLE + each) === undefined);
    const code = `01234-56789-ABCDE-FGHJK-MNPQ${check}`;
    for (const typed of [
      code,
      code.toLowerCase(),
      code.replaceAll('-', ''),
      ` ${code.replaceAll('-', ' ')}\n`,
      code.replaceAll('-', '\u2013'),
      code.replace('0', 'O').replace('1', 'l'),
      code.replace('0', 'o').replace('1', 'I'),
    ]) {
      expect(written(typed)).toBe(code);
    }
  });

  test('a single wrong character is always noticed', () => {
    const place = fc.nat(24);
    const other = fc.integer({ min: 1, max: 31 });
    fc.assert(
      fc.property(place, other, (index, shift) => {
        const code = [...PairingCode.random().toString().replaceAll('-', '')];
        const value = ALPHABET.indexOf(code[index] ?? '');
        code[index] = ALPHABET.charAt((value + shift) % 32);
        expect(mistake(code.join(''))).toBe('a mistyped code');
      }),
    );
  });

  test('two characters that were swapped are always noticed', () => {
    fc.assert(
      fc.property(fc.nat(24), fc.nat(24), (one, other) => {
        const code = [...PairingCode.random().toString().replaceAll('-', '')];
        const [a = '', b = ''] = [code[one], code[other]];
        if (a === b) return;
        code[one] = b;
        code[other] = a;
        expect(mistake(code.join(''))).toBe('a mistyped code');
      }),
    );
  });

  test.each([
    ['', 'a code of 0 characters'],
    ['01234-56789', 'a code of 10 characters'],
    [`${EXAMPLE}00`, 'a code of 26 characters'],
    ['show', '"W" in the code'],
    ['USE-THIS', '"U" in the code'],
    ['ABCDE_FGHJK', '"_" in the code'],
  ])('%j is refused', (text, found) => {
    expect(mistake(text)).toBe(text === 'show' ? 'a code of 4 characters' : found);
  });

  test('any text is a code or is refused with a reason', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(mistake(text)).not.toBe('');
      }),
    );
  });
});

describe('the secret that comes of a code', () => {
  test('has the bits of the code as its seed', () => {
    const [check] = [...ALPHABET].filter(
      (each) => mistake(`${'0'.repeat(23)}1${each}`) === undefined,
    );
    const reading = PairingCode.read(`${'0'.repeat(23)}1${check}`);
    expect(reading.ok && [...reading.code.seed()]).toEqual([...Array<number>(14).fill(0), 1]);
  });

  test('stays what it is: both nodes and all versions must agree', () => {
    const [check] = [...ALPHABET].filter((each) => mistake(EXAMPLE + each) === undefined);
    const reading = PairingCode.read(EXAMPLE + check);
    const secret = reading.ok ? ClusterSecret.fromCode(reading.code) : undefined;
    const key = Buffer.from(secret?.beatKey() ?? []).toString('hex');
    expect(key).toMatchInlineSnapshot(
      `"7b825a2016e0dcfe9f52416f5f12416d2d793ee38c079e035aa07d649353bcc2"`,
    );
  });

  test('differs from code to code', () => {
    const one = ClusterSecret.fromCode(PairingCode.random());
    expect(one.equals(ClusterSecret.fromCode(PairingCode.random()))).toBe(false);
    expect(one.equals(one)).toBe(true);
  });
});
