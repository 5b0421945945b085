import { expect, test } from 'vitest';
import { byteView } from '../../firmware/wire/byte-view.ts';

test('the view covers the bytes of a subarray and no others', () => {
  const view = byteView(Uint8Array.of(0xff, 0x12, 0x34, 0xff).subarray(1, 3));
  expect(view.byteLength).toBe(2);
  expect(view.getUint16(0)).toBe(0x1234);
  expect(() => view.getUint8(2)).toThrow(RangeError);
});
