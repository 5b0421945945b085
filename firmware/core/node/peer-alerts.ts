/**
 * What people are told of the peer while it lasts: that it is missing, that the two disagree, that
 * MASTER changes too often.
 */
import type { PairConfiguration } from '../configuration/pair-configuration.ts';
import type { FlapGuard } from '../peer/flap-guard.ts';
import type { PeerRelation } from '../peer/peer-relation.ts';
import { after, type Instant, seconds } from '../time.ts';
import type { Bulletin } from './bulletin.ts';

/** A peer that starts at the same time is heard within this. */
const FIRST_BEAT = seconds(30);
/** Both nodes are given a new configuration within this. */
const CONFIGURATION_GRACE = seconds(5);

export interface WatchedPeer {
  readonly configuration: PairConfiguration;
  readonly relation: PeerRelation | undefined;
  readonly flaps: FlapGuard;
}

export class PeerAlerts {
  readonly #startedAt: Instant;
  #differsSince: Instant | undefined;

  constructor(now: Instant) {
    this.#startedAt = now;
  }

  settle({ configuration, relation, flaps }: WatchedPeer, bulletin: Bulletin, now: Instant): void {
    this.#missing(configuration, relation, bulletin, now);
    this.#difference(relation, bulletin, now);
    const heldUntil = flaps.heldUntil(now);
    if (heldUntil === undefined) return bulletin.clearAlert('flapping');
    const count = flaps.recent(now);
    const text = `MASTER changed ${count} times in ten minutes: failback waits`;
    bulletin.alert('flapping', text, now);
  }

  #missing(
    { lacksSecret }: PairConfiguration,
    relation: PeerRelation | undefined,
    bulletin: Bulletin,
    now: Instant,
  ): void {
    if (lacksSecret) {
      const text = 'no secret is configured: no beats, failover takes seconds (see: yoke pair)';
      bulletin.alert('beats-off', text, now);
    } else bulletin.clearAlert('beats-off');
    if (relation?.verdict !== 'unknown' || now < after(this.#startedAt, FIRST_BEAT)) return;
    bulletin.alert('peer', 'no beat of the peer was ever received', now);
  }

  #difference(relation: PeerRelation | undefined, bulletin: Bulletin, now: Instant): void {
    const differs = relation?.isBinding === true && !relation.hasSameConfiguration;
    this.#differsSince = differs ? (this.#differsSince ?? now) : undefined;
    if (this.#differsSince === undefined) return bulletin.clearAlert('config-differs');
    if (now < after(this.#differsSince, CONFIGURATION_GRACE)) return;
    const name = relation?.beat?.node ?? 'the peer';
    bulletin.alert('config-differs', `cluster.yaml of ${name} is not the one used here`, now);
  }
}
