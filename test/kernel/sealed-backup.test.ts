// A backup opens with its passphrase only, and only whole.
import { expect, test } from 'vitest';
import { openBackup, sealBackup } from '../../firmware/kernel/sealed-backup.ts';

const FILES = { 'cluster.yaml': 'password: labsecret\n', 'node.yaml': 'node: ä\n' };

test('what was put in comes out, and nothing of it can be read on the way', () => {
  const sealed = sealBackup(FILES, 'open sesame');
  expect(openBackup(sealed, 'open sesame')).toEqual({ ok: true, files: FILES });
  expect(sealed.includes('labsecret')).toBe(false);
  expect(sealBackup(FILES, 'open sesame').equals(sealed)).toBe(false);
});

test('another passphrase, a changed byte, an end cut off, another file', () => {
  const sealed = sealBackup(FILES, 'open sesame');
  expect(openBackup(sealed, 'open sesame!')).toMatchObject({ ok: false });
  for (const at of [14, 31, 45, 60, sealed.length - 1]) {
    const changed = Buffer.from(sealed);
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(openBackup(changed, 'open sesame')).toMatchObject({ ok: false });
  }
  expect(openBackup(sealed.subarray(0, -1), 'open sesame')).toMatchObject({ ok: false });
  expect(openBackup(sealed.subarray(0, 20), 'open sesame')).toMatchObject({ ok: false });
  const text = 'it is not a backup of this version of yoke';
  expect(openBackup(Buffer.from('PK..'.repeat(30)), 'x')).toEqual({ ok: false, text });
});
