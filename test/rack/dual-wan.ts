// What the site `dual-wan` has besides the office: two providers, the internet behind them, and a
// mail server in a DMZ.
//
//                        host .100   resolvers .8 .9   (192.0.2.0/24, segment internet)
//                          │
//            ┌─────────────┴──────────────┐
//       isp1 │.1                     isp2 │.2
//            │198.51.100.1                │203.0.113.1
//     ───────┴── wan ── VIP .200    ──────┴── wan2 ── VIP 203.0.113.200 (vhid 210)
//              a .201, b .202               a .201, b .202
//
//     dmz 192.168.3.0/24: a .2, b .3, VIP .1 (vhid 3), mail .10 with its default route to the VIP
//
// The providers know nothing of 192.168.0.0/16: what leaves towards the host needs an address of
// the WAN it leaves by, and so the host's answer comes back by the same provider.
import { SITE_VIPS } from './rack-plan.ts';
import { Station, type StationPlan } from './station.ts';
import type { Switches } from './switches.ts';

export type Provider = 'isp1' | 'isp2';

/** Addresses of the providers' routers on our side: the gateways of wan and wan2. */
export const PROVIDERS: Readonly<Record<Provider, string>> = {
  isp1: '198.51.100.1',
  isp2: '203.0.113.1',
};

/** A host on the internet; `monitors` are further addresses of it that answer echo requests. */
export const HOST = { address: '192.0.2.100', monitors: ['192.0.2.8', '192.0.2.9'] } as const;

export const MAIL = { address: '192.168.3.10' };

export class DualWan {
  readonly isp1: Station;
  readonly isp2: Station;
  readonly host: Station;
  readonly mail: Station;
  private readonly switches: Switches;

  private constructor(switches: Switches, stations: readonly [Station, Station, Station, Station]) {
    this.switches = switches;
    [this.isp1, this.isp2, this.host, this.mail] = stations;
  }

  static async build(rackName: string, switches: Switches): Promise<DualWan> {
    const build = (plan: Omit<StationPlan, 'namespaceName'>) =>
      Station.build({ ...plan, namespaceName: `${rackName}-${plan.name}` }, switches);
    return new DualWan(switches, [
      await build(ISP1),
      await build(ISP2),
      await build(HOST_PLAN),
      await build(MAIL_PLAN),
    ]);
  }

  /** The provider's router falls silent on every segment; all carriers stay. */
  async silence(provider: Provider): Promise<void> {
    await this.switches.silence(this[provider].ports);
  }

  async unsilence(provider: Provider): Promise<void> {
    await this.switches.unsilence(this[provider].ports);
  }

  /** Only the way behind the router is cut: the gateway answers, nothing beyond it does. */
  async cutBehind(provider: Provider): Promise<void> {
    await this.switches.silence([this[provider].port('internet')]);
  }

  async mendBehind(provider: Provider): Promise<void> {
    await this.switches.unsilence([this[provider].port('internet')]);
  }

  /** Loses this share of the frames between the provider and the nodes, each way by itself. */
  async lose(provider: Provider, percent: number): Promise<void> {
    const port = this[provider].port(provider === 'isp1' ? 'wan' : 'wan2');
    await this.switches.lose(port, Math.round(percent * 10));
  }
}

const ISP1 = {
  name: 'isp1',
  number: 0x12,
  addresses: { wan: [`${PROVIDERS.isp1}/24`], internet: ['192.0.2.1/24'] },
  routes: ['203.0.113.0/24 via 192.0.2.2'],
  forwards: true,
};

const ISP2 = {
  name: 'isp2',
  number: 0x13,
  addresses: { wan2: [`${PROVIDERS.isp2}/24`], internet: ['192.0.2.2/24'] },
  routes: ['198.51.100.0/24 via 192.0.2.1'],
  forwards: true,
};

const HOST_PLAN = {
  name: 'host',
  number: 0x14,
  addresses: { internet: [HOST.address, ...HOST.monitors].map((address) => `${address}/24`) },
  routes: ['198.51.100.0/24 via 192.0.2.1', '203.0.113.0/24 via 192.0.2.2'],
};

const MAIL_PLAN = {
  name: 'mail',
  number: 0x15,
  addresses: { dmz: [`${MAIL.address}/24`] },
  routes: [`default via ${SITE_VIPS.dmz.address}`],
};
