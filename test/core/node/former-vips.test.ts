/** What is remembered of a VIP, for how long, and what is no change. */
import { describe, expect, it } from 'vitest';
import type { VipConfiguration } from '../../../firmware/core/configuration/pair-configuration.ts';
import { FormerVips } from '../../../firmware/core/node/former-vips.ts';
import { instant } from '../../../firmware/core/time.ts';
import { configurationOf } from './node-stage.ts';

const [PLAIN] = configurationOf().vips as [VipConfiguration];
const vip = (...more: string[]): VipConfiguration => ({
  ...PLAIN,
  addresses: [...PLAIN.addresses, ...more.map((address) => ({ address, prefix: 24 }))],
});
const at = (second: number) => instant(second * 1_000_000);

describe('former VIPs', () => {
  it('are sent for a minute and heard for two, each from its own change', () => {
    const former = new FormerVips();
    former.change('id', vip(), vip('192.0.2.1'), at(0));
    former.change('id', vip('192.0.2.1'), vip('192.0.2.2'), at(30));
    const counts = [30, 59, 60, 89, 90, 119, 120, 149, 150].map((second) => [
      former.toSend('id', at(second)).length,
      former.toHear('id', at(second)).length,
    ]);
    expect(counts).toEqual([
      ...[
        [2, 2],
        [2, 2],
        [1, 2],
        [1, 2],
        [0, 2],
        [0, 2],
        [0, 1],
        [0, 1],
        [0, 0],
      ],
    ]);
    expect(former.toHear('another', at(30))).toEqual([]);
  });

  it('survive a reload that changes nothing of the digest', () => {
    const former = new FormerVips();
    former.change('id', vip(), vip('192.0.2.1', '192.0.2.2'), at(0));
    const turned = { ...vip('192.0.2.2', '192.0.2.1'), name: 'renamed', advskew: 7 };
    former.change('id', vip('192.0.2.1', '192.0.2.2'), turned, at(1));
    expect(former.toHear('id', at(1))).toEqual([vip()]);
  });

  it('are not what the VIP has become again', () => {
    const former = new FormerVips();
    former.change('id', vip(), { ...PLAIN, password: Uint8Array.of(1) }, at(0));
    former.change('id', { ...PLAIN, password: Uint8Array.of(1) }, vip(), at(1));
    expect(former.toHear('id', at(1)).map(({ password }) => password)).toEqual([Uint8Array.of(1)]);
  });
});
