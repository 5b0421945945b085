/**
 * One segment both nodes are on, as a way for beats: which addresses, who hears whom, and when to
 * send the next one.
 */
import type { BeatPath } from '../../wire/peer-beat.ts';
import { after, type Duration, type Instant, instant, milliseconds } from '../time.ts';

/** On paths that are only kept known: often enough to name a broken one within a second. */
export const SLOW_INTERVAL = milliseconds(250);
/** Silence on a path for so long, while the peer is heard elsewhere, is a broken path. */
const BROKEN_AFTER = milliseconds(1_000);

export class PeerPath {
  /** Logical interface. */
  readonly interface: string;
  device: string;
  /** The peer's, as configured; undefined where it has to tell. */
  configuredPeer: string | undefined;
  usable = false;
  /** Since when beats may be expected on it. */
  expectedAt: Instant | undefined;
  ownAddress: string | undefined;
  heardAt: Instant | undefined;
  /** What the peer said last of its end. */
  far: BeatPath | undefined;
  /** Sources of advertisements: where to knock while the peer has not told its address. */
  readonly advertised = new Map<4 | 6, string>();
  #sentAt: Instant | undefined;

  constructor(place: string, device: string) {
    this.interface = place;
    this.device = device;
  }

  /** Where beats are sent to; undefined while it cannot be known. */
  get peerAddress(): string | undefined {
    return (
      this.configuredPeer ?? this.far?.address ?? this.advertised.get(4) ?? this.advertised.get(6)
    );
  }

  /** A beat could leave here. */
  get open(): boolean {
    return this.usable && this.peerAddress !== undefined;
  }

  hearsWithin(span: Duration, now: Instant): boolean {
    return this.heardAt !== undefined && now <= after(this.heardAt, span);
  }

  setUsable(usable: boolean, now: Instant): void {
    if (usable === this.usable) return;
    this.usable = usable;
    this.expectedAt = usable ? now : undefined;
    if (!usable) this.heardAt = undefined;
  }

  /** The peer has come: it speaks here from now on. */
  expect(now: Instant): void {
    if (this.usable) this.expectedAt = now;
  }

  sent(now: Instant): void {
    this.#sentAt = now;
  }

  /** When the next beat is due; at once when none was ever sent. */
  dueAt(interval: Duration, now: Instant): Instant {
    return this.#sentAt === undefined ? now : after(this.#sentAt, interval);
  }

  /** Both ends are up, and yet nothing arrives. */
  brokenAt(): Instant | undefined {
    if (!this.open || this.expectedAt === undefined) return undefined;
    return after(instant(Math.max(this.heardAt ?? 0, this.expectedAt)), BROKEN_AFTER);
  }

  /** So it is, and the peer does not say that its own end is not usable. */
  isBroken(now: Instant): boolean {
    const at = this.brokenAt();
    return at !== undefined && now >= at && this.far?.usable !== false;
  }

  /** Whether `told` would say the same again. */
  isAsTold(told: BeatPath, span: Duration, now: Instant): boolean {
    if (told.interface !== this.interface || told.address !== this.ownAddress) return false;
    return told.usable === this.usable && told.hears === this.hearsWithin(span, now);
  }

  /** What this node tells of its end. */
  told(span: Duration, now: Instant): BeatPath {
    return {
      interface: this.interface,
      address: this.ownAddress,
      usable: this.usable,
      hears: this.hearsWithin(span, now),
    };
  }
}
