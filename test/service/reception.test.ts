/** Frames are judged by the present configuration, and for a while by the one before. */
import { describe, expect, it } from 'vitest';
import type { PairConfiguration } from '../../firmware/core/configuration/pair-configuration.ts';
import { FormerVips } from '../../firmware/core/node/former-vips.ts';
import { instant } from '../../firmware/core/time.ts';
import { Reception } from '../../firmware/service/reception.ts';
import { carpDigest } from '../../firmware/wire/carp-digest.ts';
import { carpFrame, encodeCarpFrame } from '../../firmware/wire/carp-frame.ts';
import { nodeConfiguration, PLAIN_PAIR, pairVips } from '../simulator/pair-plan.ts';

const START = instant(1_000_000);

function configurationOf(...aliases: string[]): PairConfiguration {
  const vips = pairVips(PLAIN_PAIR).map((vip) =>
    vip.name === 'lan' ? { ...vip, addresses: [...vip.addresses, ...aliases] } : vip,
  );
  return nodeConfiguration({ role: 'primary', pair: PLAIN_PAIR, vips });
}

/** What a peer with this configuration sends. */
function frameOf(configuration: PairConfiguration, source = '192.168.1.3'): Uint8Array {
  const vip = configuration.vips.find(({ name }) => name === 'lan');
  if (vip === undefined) throw new Error('no VIP on lan');
  const { password, vhid } = vip;
  const addresses = vip.addresses.map(({ address }) => address);
  const counter = 5n;
  const digest = carpDigest({ password, vhid, addresses, counter, form: 'with-link-local' });
  return encodeCarpFrame(
    carpFrame({
      vhid,
      advbase: 1,
      advskew: 0,
      demote: 0,
      counter,
      digest,
      source,
      identification: 1,
    }),
  );
}

const vipsOf = (configuration: PairConfiguration, place = 'lan') =>
  configuration.vips.filter((vip) => vip.interface === place);

const receptionOf = (configuration: PairConfiguration, former = new FormerVips()): Reception =>
  new Reception(vipsOf(configuration), {
    isRecentCounter: () => false,
    formerVips: (vhid, now) => former.toHear(`eth1/${vhid}`, now),
  });

describe('reception', () => {
  it('takes what was made with the same VIPs and refuses other digests', () => {
    const reception = receptionOf(configurationOf());
    expect(reception.judge(frameOf(configurationOf()), START).ok).toBe(true);
    const verdict = reception.judge(frameOf(configurationOf('192.168.1.4/24')), START);
    expect(verdict).toMatchObject({ ok: false, refusal: 'digest' });
  });

  it('knows only the VIPs of its interface', () => {
    const reception = receptionOf(configurationOf());
    reception.reconfigure(vipsOf(configurationOf(), 'wan'));
    const verdict = reception.judge(frameOf(configurationOf()), START);
    expect(verdict).toMatchObject({ ok: false, refusal: 'unknown-vhid' });
  });

  it('refuses what comes from an own address, or with an own counter', () => {
    const reception = receptionOf(configurationOf());
    reception.ownAddresses = ['192.168.1.2'];
    const own = reception.judge(frameOf(configurationOf(), '192.168.1.2'), START);
    expect(own).toMatchObject({ ok: false, refusal: 'own-source' });
    const looped = new Reception(vipsOf(configurationOf()), {
      isRecentCounter: (vhid, counter) => vhid === 1 && counter === 5n,
      formerVips: () => [],
    });
    const verdict = looped.judge(frameOf(configurationOf()), START);
    expect(verdict).toMatchObject({ ok: false, refusal: 'own-counter' });
  });

  it('takes the digests of before, as long as they are remembered', () => {
    const former = new FormerVips();
    const configurations = [configurationOf(), configurationOf('192.168.1.4/24')];
    const reception = receptionOf(configurationOf('192.168.1.5/24'), former);
    for (const configuration of configurations) {
      expect(reception.judge(frameOf(configuration), START)).toMatchObject({ refusal: 'digest' });
      const [before] = vipsOf(configuration);
      const [vip] = vipsOf(configurationOf('192.168.1.5/24'));
      if (before !== undefined && vip !== undefined) former.change('eth1/1', before, vip, START);
    }
    for (const configuration of configurations) {
      expect(reception.judge(frameOf(configuration), START).ok).toBe(true);
    }
  });
});
