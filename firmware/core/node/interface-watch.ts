/**
 * One interface of the node: its link, its real addresses, the VIPs on it, its sending.
 */
import type { Cidr } from '../../wire/ip-address.ts';
import { familiesOf } from '../addressing/desired-addresses.ts';
import { sourceAddress } from '../addressing/source-address.ts';
import type {
  InterfaceConfiguration,
  PairConfiguration,
  VipConfiguration,
} from '../configuration/pair-configuration.ts';
import type { Family } from '../election/membership.ts';
import { LinkWatch } from '../health/link-watch.ts';
import type { Instant } from '../time.ts';
import type { SeenInterface } from './node-io.ts';
import { SendWatch } from './send-watch.ts';

type Peer = string | undefined;
type Source = string | undefined;

export class InterfaceWatch {
  readonly link: LinkWatch;
  readonly sending = new SendWatch();
  seen: SeenInterface | undefined;
  #configuration: InterfaceConfiguration;
  #vips: readonly VipConfiguration[];
  /** What `source` has answered since the interface was looked at, by peer. */
  readonly #sources = { 4: new Map<Peer, Source>(), 6: new Map<Peer, Source>() } as const;

  constructor(configuration: InterfaceConfiguration, pair: PairConfiguration) {
    this.link = new LinkWatch(pair.linkDebounce);
    this.#configuration = configuration;
    this.#vips = vipsOn(configuration, pair);
  }

  /** The same device, perhaps by another name or with other VIPs. */
  reconfigure(configuration: InterfaceConfiguration, pair: PairConfiguration, now: Instant): void {
    this.link.debounce = pair.linkDebounce;
    this.#configuration = configuration;
    this.#vips = vipsOn(configuration, pair);
    this.#sources[4].clear();
    this.#sources[6].clear();
    if (this.seen !== undefined) this.see(this.seen, now);
  }

  get configuration(): InterfaceConfiguration {
    return this.#configuration;
  }

  get device(): string {
    return this.#configuration.device;
  }

  /** True when VIPs live here: its loss then moves the node. */
  get carriesVips(): boolean {
    return this.#vips.length > 0;
  }

  /** Configured addresses that are not on the device; none while there is no device. */
  get missing(): readonly Cidr[] {
    if (this.seen?.present !== true) return [];
    const found = new Set(this.seen.addresses.map(({ address }) => address));
    return this.#configuration.addresses.filter(({ address }) => !found.has(address));
  }

  see(seen: SeenInterface, now: Instant): void {
    this.seen = seen;
    this.#sources[4].clear();
    this.#sources[6].clear();
    const { present, carrier } = seen;
    this.link.observe({ present, carrier, addressed: this.#isAddressed() }, now);
  }

  /** The own address that advertisements are sent from; `peer` as VipConfiguration has it. */
  source(family: Family, peer: Peer): Source {
    const sources = this.#sources[family];
    if (!sources.has(peer)) sources.set(peer, this.#choose(family, peer));
    return sources.get(peer);
  }

  #choose(family: Family, peer: Peer): Source {
    const configured = new Set(this.#configuration.addresses.map(({ address }) => address));
    return sourceAddress({ own: this.seen?.addresses ?? [], configured, family, peer });
  }

  #isAddressed(): boolean {
    return this.#vips.every(({ addresses, peer }) =>
      familiesOf(addresses).every((family) => this.source(family, peer) !== undefined),
    );
  }
}

function vipsOn(
  { name }: InterfaceConfiguration,
  { vips }: PairConfiguration,
): readonly VipConfiguration[] {
  return vips.filter((vip) => vip.interface === name);
}
