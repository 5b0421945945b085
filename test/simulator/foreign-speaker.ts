/**
 * Somebody else's CARP on one segment, by the rules of FreeBSD's ip_carp.c or of ucarp.
 *
 * Written from their behaviour and on its own: nothing of our election is used. What matters is
 * where they differ from us: FreeBSD yields on every tie and says no good-bye; ucarp sends one last
 * advertisement before it yields and defends itself with a gratuitous ARP. Both preempt at once and
 * without asking the old master.
 */
import { encodeAddressClaim } from '../../firmware/wire/address-claim.ts';
import { carpDigest } from '../../firmware/wire/carp-digest.ts';
import { carpFrame, decodeCarpFrame, encodeCarpFrame } from '../../firmware/wire/carp-frame.ts';
import { virtualMac } from '../../firmware/wire/ethernet-frame.ts';
import { compareIpAddresses } from '../../firmware/wire/ip-address.ts';
import type { Chronicle } from './chronicle.ts';
import { EncodedFrame, type Frame } from './frame.ts';
import type { Schedule } from './schedule.ts';
import type { Port, SimulatedSegment } from './simulated-segment.ts';

const SECOND = 1_000_000;

export interface ForeignPlan {
  readonly name: string;
  readonly flavour: 'freebsd' | 'ucarp';
  readonly source: string;
  readonly vhid: number;
  readonly vip: string;
  readonly password: string;
  readonly base: number;
  readonly skew: number;
  readonly preempt: boolean;
}

type ForeignState = 'INIT' | 'BACKUP' | 'MASTER';

export class ForeignSpeaker implements Port {
  readonly owner: string;
  state: ForeignState = 'INIT';
  readonly #plan: ForeignPlan;
  readonly #segment: SimulatedSegment;
  readonly #schedule: Schedule;
  readonly #chronicle: Chronicle;
  readonly #onChange: () => void;
  #counter = 1n;
  #timer = 0;

  constructor(
    plan: ForeignPlan,
    segment: SimulatedSegment,
    around: { schedule: Schedule; chronicle: Chronicle; onChange: () => void },
  ) {
    this.#plan = plan;
    this.owner = plan.name;
    this.#segment = segment;
    this.#schedule = around.schedule;
    this.#chronicle = around.chronicle;
    this.#onChange = around.onChange;
    segment.attach(this);
  }

  get answers(): boolean {
    return this.state === 'MASTER' && this.#segment.hasCarrier(this);
  }

  start(): void {
    this.#enter('BACKUP', 'started');
  }

  kill(): void {
    this.#enter('INIT', 'killed');
  }

  carrierChanged(): void {
    const up = this.#segment.hasCarrier(this);
    if (!up && this.state !== 'INIT') this.#enter('INIT', 'link lost');
    if (up && this.state === 'INIT') this.#enter('BACKUP', 'link is back');
  }

  receive({ bytes }: Frame): void {
    const carp = decodeCarpFrame(bytes);
    if (carp === undefined || this.state === 'INIT' || carp.ip.family !== 4) return;
    const { advertisement, ip } = carp;
    if (advertisement.vhid !== this.#plan.vhid || !this.#isGenuine(advertisement)) return;
    const theirs = advertisement.advbase * 256 + advertisement.advskew;
    if (this.state === 'MASTER') this.#hearAsMaster(theirs, ip.source);
    else this.#hearAsBackup(theirs);
  }

  #isGenuine({ counter, digest }: { counter: bigint; digest: Uint8Array }): boolean {
    const expected = this.#digest(counter);
    return expected.every((byte, index) => digest[index] === byte);
  }

  #hearAsMaster(theirs: number, source: string): void {
    const own = this.#plan.base * 256 + this.#plan.skew;
    const tie = theirs === own;
    if (this.#plan.flavour === 'freebsd') {
      if (theirs <= own) this.#enter('BACKUP', tie ? 'tie' : 'a better master');
      return;
    }
    if (theirs < own || (tie && compareIpAddresses(source, this.#plan.source) < 0)) {
      this.#advertise();
      return this.#enter('BACKUP', 'a better master');
    }
    this.#announce();
  }

  #hearAsBackup(theirs: number): void {
    const { base, skew, preempt } = this.#plan;
    if (preempt && base * 256 + skew < theirs) return this.#enter('MASTER', 'preempts');
    if (3 * base * 256 + skew < theirs) return this.#enter('MASTER', 'guaranteed to time out');
    this.#arm(3 * base * SECOND + (skew * SECOND) / 256);
  }

  #enter(state: ForeignState, why: string): void {
    this.state = state;
    this.#timer += 1;
    this.#chronicle.tell(this.owner, `-> ${state}: ${why}`);
    this.#onChange();
    const { base, skew } = this.#plan;
    if (state === 'BACKUP') this.#arm(3 * base * SECOND + (skew * SECOND) / 256);
    if (state === 'MASTER') {
      this.#advertise();
      this.#announce();
      this.#arm(base * SECOND + (skew * SECOND) / 256);
    }
  }

  #arm(span: number): void {
    this.#timer += 1;
    const timer = this.#timer;
    this.#schedule.in(span, () => {
      if (timer !== this.#timer) return;
      if (this.state === 'BACKUP') return this.#enter('MASTER', 'master timed out');
      if (this.state !== 'MASTER') return;
      this.#advertise();
      this.#arm(span);
    });
  }

  #advertise(): void {
    const { vhid, base, skew, source } = this.#plan;
    this.#counter += 1n;
    const frame = carpFrame({
      vhid,
      advbase: base,
      advskew: skew,
      demote: 0,
      counter: this.#counter,
      digest: this.#digest(this.#counter),
      source,
      identification: 0,
    });
    this.#segment.transmit(this, new EncodedFrame(encodeCarpFrame(frame)));
  }

  #announce(): void {
    const { vip, vhid } = this.#plan;
    const claim = { kind: 'arp-request', address: vip, mac: virtualMac(vhid) } as const;
    this.#segment.transmit(this, new EncodedFrame(encodeAddressClaim(claim)));
  }

  #digest(counter: bigint): Uint8Array {
    const { vhid, vip } = this.#plan;
    const password = new TextEncoder().encode(this.#plan.password);
    return carpDigest({ password, vhid, addresses: [vip], counter, form: 'with-link-local' });
  }
}
