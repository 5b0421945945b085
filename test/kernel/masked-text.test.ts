// Secrets never reach people's eyes, whatever way they are written in.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { maskedText, maskedValue } from '../../firmware/kernel/masked-text.ts';

test.each([
  ['password: labsecret # ours\nname: lan\n', 'password: <secret> # ours\nname: lan\n'],
  ['{ name: lan, password: "lab, secret", vhid: 1 }', '{ name: lan, password: <secret>, vhid: 1 }'],
  ["preSharedKey: 'x'", 'preSharedKey: <secret>'],
  ['pre-shared-key: x', 'pre-shared-key: <secret>'],
  ['tokens: [one, two]', 'tokens: [<secret>, <secret>]'],
  ['password: |\n  one\n  two\nname: x\n', 'password: <secret>\n\n\nname: x\n'],
  ['password:\nname: x\n', 'password:\nname: x\n'],
  ['a: &key hidden\npassword: *key\n', 'a: &key <secret>\npassword: *key\n'],
  ['a: [\npassword: open\n', 'a: [\npassword: <secret>\n'],
  ['passwordless: true\n', 'passwordless: true\n'],
])('%j', (text, masked) => expect(maskedText(text)).toBe(masked));

test('of any document, in any style, no secret is left and every line stays', () => {
  const secret = fc.stringMatching(/^[A-Za-z0-9!#:,]{6,19}$/).map((text) => `S3cr3t${text}`);
  const key = fc.constantFrom('password', 'clientSecret', 'privateKey', 'psk', 'user_token');
  const property = fc.property(secret, key, fc.boolean(), (value, name, isFlow) => {
    const data = { cluster: 'x', vips: [{ name: 'wan', [name]: value, vhid: 1 }], monitor: {} };
    const text = stringify(data, { collectionStyle: isFlow ? 'flow' : 'block' });
    const masked = maskedText(text);
    expect(masked).not.toContain(value);
    expect(masked.split('\n').length).toBe(text.split('\n').length);
    expect(JSON.stringify(maskedValue(data))).not.toContain(value);
  });
  fc.assert(property);
});
