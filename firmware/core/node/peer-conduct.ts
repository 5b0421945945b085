/**
 * What the node does about its peer: how it stands, what the peer's beats move, which of its
 * advertisements are believed, and what people are told of it.
 */

import type { PeerBeat } from '../../wire/peer-beat.ts';
import { beatPatience } from '../configuration/beat-pace.ts';
import { RENEWAL_SLACK } from '../configuration/lease-length.ts';
import type { DemotionLedger } from '../election/demotion.ts';
import type { FailoverGroup } from '../election/failover-group.ts';
import { rank } from '../election/interval.ts';
import { DeafWatch } from '../health/deaf-watch.ts';
import type { AccordMove, OwnPart } from '../peer/accord.ts';
import { FlapGuard, type FlapRule } from '../peer/flap-guard.ts';
import type { PeerPath } from '../peer/peer-path.ts';
import { type Identity, PeerRelation, type RelationOutput } from '../peer/peer-relation.ts';
import { compareStandings } from '../peer/standing.ts';
import type { Counter } from '../telemetry/counter-table.ts';
import {
  after,
  type Duration,
  earliest,
  type Instant,
  milliseconds,
  seconds,
  toMilliseconds,
} from '../time.ts';
import { type Bulletin, HEARD_ALERT } from './bulletin.ts';
import type { InterfaceWatch } from './interface-watch.ts';
import type { NodeGroups } from './node-groups.ts';
import type { NodeInput, NodeOutput } from './node-io.ts';
import type { NodeScene } from './node-scene.ts';
import { PeerAlerts } from './peer-alerts.ts';

/** Long enough for what is under way when every switch has learnt the new place. */
export const LINGER = milliseconds(100);
/** Who slept reads one socket before the other: what is older may come in so much later. */
const READING = milliseconds(100);
/** For so long work in the kernel keeps the thread away when each VIP is claimed by itself. */
const AWAY = milliseconds(25);
/** How a node that leaves stands: worse than any other reason. */
const LEAVING = { health: 0, demotion: 0xffff } as const;
const DEFAULT_FLAPS: FlapRule = { changes: 4, hold: seconds(60) };
/** Demotions that people ask for, or that a start brings: what they move is no flapping. */
const ASKED_FOR = /^(maintenance|operator|boot|flows)$/;

interface Stranger {
  readonly place: string;
  readonly source: string;
  readonly at: Instant;
}

type RefusedBeat = Extract<NodeInput, { kind: 'beat-refused' }>;

export interface ConductParts {
  readonly bulletin: Bulletin;
  readonly groups: NodeGroups;
  readonly scene: () => NodeScene;
  readonly demotions: DemotionLedger;
  readonly push: (output: NodeOutput) => void;
  /** Raises a demotion, or takes it back. */
  readonly blame: (reason: string, stands: boolean, now: Instant) => void;
  readonly identity: Omit<Identity, 'configHash'>;
}

export class PeerConduct {
  /** Undefined while no beats are configured. */
  relation: PeerRelation | undefined;
  /** The node is about to stop: the peer shall take everything. */
  leaving = false;
  readonly flaps = new FlapGuard(DEFAULT_FLAPS);
  readonly #parts: ConductParts;
  readonly #alerts: PeerAlerts;
  readonly #hearing = new DeafWatch();
  /** Beats received, by logical interface. */
  readonly #received = new Map<string, Counter>();
  #key: Uint8Array | undefined;
  #lingerUntil: Instant | undefined;
  /** Whose advertisements, in a life that no beat has told of, were heard last. */
  #stranger: Stranger | undefined;

  constructor(parts: ConductParts, now: Instant) {
    this.#parts = parts;
    this.#alerts = new PeerAlerts(now);
  }

  configure(now: Instant): void {
    const { configuration, interfaces } = this.#parts.scene();
    const { beats, beatKey, clusterHash } = configuration;
    this.flaps.change(configuration.preempt.flaps ?? DEFAULT_FLAPS);
    if (beats === undefined) return this.#part(now);
    this.relation ??= new PeerRelation({
      rule: beats,
      identity: { ...this.#parts.identity, configHash: clusterHash },
      standing: (at) => this.#standing(at),
      onOutput: (output, at) => this.#carryOut(output, at),
      decides: () => this.#parts.scene().configuration.failover === 'node',
    });
    this.relation.configure(beats, clusterHash);
    if (!isSameKey(this.#key, beatKey)) this.relation.renewSession();
    this.#key = beatKey;
    const plans = configuration.interfaces.map(({ name, device, peer }) => {
      return { interface: name, device, peer };
    });
    this.relation.paths.configure(plans);
    for (const [name, watch] of interfaces) this.see(name, watch, now);
    this.#bind(now);
  }

  /** The peer's beats decide who serves. */
  get isBinding(): boolean {
    return this.#decides() && this.relation?.isBinding === true;
  }

  /** A peer was met: CARP alone does not move the node any more. */
  get isKnown(): boolean {
    return this.#decides() && this.relation?.isKnown === true;
  }

  /** It was met in this life of the process, even if it is not known any more. */
  get hasMet(): boolean {
    return this.#decides() && this.relation?.hasMet === true;
  }

  /** The peer serves, and would be better even if this much of our demotion were taken back. */
  isOutranked(weight: number, now: Instant): boolean {
    const beat = this.isBinding ? this.relation?.beat : undefined;
    if (beat?.serving !== true) return false;
    const own = this.#standing(now);
    return !compareStandings({ ...own, demotion: own.demotion - weight }, beat).better;
  }

  /** The peer lives and could serve something. */
  get canHandOver(): boolean {
    const { relation } = this;
    return this.isBinding && relation?.verdict === 'alive' && (relation.beat?.health ?? 0) > 0;
  }

  /** Until when packets that are under way are still forwarded. */
  get lingerUntil(): Instant | undefined {
    return this.#lingerUntil;
  }

  see(name: string, watch: InterfaceWatch, now: Instant): void {
    const path = this.relation?.paths.get(name);
    if (path === undefined) return;
    const { seen, configuration } = watch;
    path.ownAddress = watch.source(4, configuration.peer) ?? watch.source(6, configuration.peer);
    const isUp = seen?.present === true && seen.carrier;
    path.setUsable(isUp && path.ownAddress !== undefined, now);
  }

  beat(place: string, beat: PeerBeat, now: Instant): void {
    this.#counterOf(place).count += 1;
    this.relation?.hear(place, beat, now);
  }

  refused({ interface: place, reason, source }: RefusedBeat, now: Instant): void {
    const { bulletin } = this.#parts;
    bulletin.counters.add(`beats.${place}.refused.${reason}`);
    if (reason === 'key') {
      const text = `${source} on ${place} speaks with another secret: are both nodes paired?`;
      bulletin.alert(`peer-key:${place}`, text, now, HEARD_ALERT);
    }
    if (reason === 'version') {
      const text = `${source} on ${place} speaks a version this firmware does not know`;
      bulletin.alert(`peer-version:${place}`, text, now, HEARD_ALERT);
    }
  }

  /** Number of VIPs this node can serve now. */
  get health(): number {
    let count = 0;
    for (const watch of this.#parts.scene().carriers) {
      if (watch?.link.usable !== true) continue;
      if (this.#hearing.isIdle || !this.#hearing.isDeaf(watch.configuration.name)) count += 1;
    }
    return count;
  }

  /** The same; but nothing while the kernel has just refused, so that the peer need not wait. */
  #ability(now: Instant): number {
    const group = this.#group();
    const isIdle = group !== undefined && group.state !== 'MASTER';
    return isIdle && now < (group.backoff.untilFree ?? now) ? 0 : this.health;
  }

  session(now: Instant): void {
    this.relation?.session(now);
  }

  /** It may be the peer in a new life, whose beats do not arrive yet. */
  heardStranger(place: string, source: string, now: Instant): void {
    this.#stranger = { place, source, at: now };
  }

  /** It advertises, but its beats do not reach us: CARP decides until they do. */
  fallBack(place: string, source: string, now: Instant): void {
    const text = `${source} advertises on ${place}, but no beats of it arrive`;
    this.#parts.bulletin.alert('beats', text, now, HEARD_ALERT);
    this.relation?.fallBack(now);
  }

  letGo(ok: boolean, now: Instant): void {
    this.relation?.letGo(ok, now);
  }

  /**
   * What keeps us MASTER for another lease must be known to the peer first. Returns until when it
   * may be done then; undefined where nobody is to be told.
   */
  announce(now: Instant): Instant | undefined {
    if (this.relation === undefined || this.relation.verdict === 'unknown') return undefined;
    this.relation.speakFirst(now);
    return after(now, RENEWAL_SLACK);
  }

  /** So too a claim; which is never made long after it was decided, whoever listens. */
  announceClaim(now: Instant): Instant {
    return this.announce(now) ?? after(now, RENEWAL_SLACK);
  }

  /** Something about this node has changed. */
  judge(now: Instant): void {
    this.relation?.judge(now);
  }

  settle(now: Instant): void {
    const group = this.#group();
    const { relation } = this;
    if (group?.state === 'LAPSED' && this.isKnown && !this.isBinding) {
      const cause = 'woke too late, the peer was not heard before';
      if (now >= (relation?.safeUntil ?? now)) this.#tell({ kind: 'stand-down', cause }, now);
    }
    relation?.settle(now);
    this.#listen(now);
    const { configuration } = this.#parts.scene();
    const { bulletin } = this.#parts;
    this.#alerts.settle({ configuration, relation, flaps: this.flaps }, bulletin, now);
  }

  nextTimeout(): Instant | undefined {
    return earliest(this.relation?.nextTimeout(), this.#hearing.nextTimeout());
  }

  /** How many frames the port of a broken segment has received. */
  counted(place: string, frames: number, now: Instant): void {
    this.#hearing.counted(place, frames, now);
    this.#parts.blame(`deaf:${place}`, this.#hearing.isDeaf(place), now);
  }

  /** On segments where the peer is not heard: do we hear anybody? */
  #listen(now: Instant): void {
    const { relation } = this;
    const broken = relation?.isBinding === true ? this.#brokenPlaces(relation, now) : [];
    if (broken.length === 0 && this.#hearing.isIdle) return;
    const deaf = [...this.#hearing.deaf];
    const asked = this.#hearing.settle(new Set(broken.map((path) => path.interface)), now);
    for (const { interface: place, device } of broken) {
      if (!asked.includes(place)) continue;
      this.#parts.push({ kind: 'count-frames', interface: place, device });
    }
    for (const place of deaf) {
      if (!this.#hearing.isDeaf(place)) this.#parts.blame(`deaf:${place}`, false, now);
    }
  }

  /** Of a cable between the two nodes neither end is to blame, nor does it serve anybody. */
  #brokenPlaces(relation: PeerRelation, now: Instant): readonly PeerPath[] {
    const { interfaces } = this.#parts.scene();
    return relation.paths.broken(now).filter((path) => {
      return interfaces.get(path.interface)?.carriesVips === true;
    });
  }

  farewell(now: Instant): void {
    this.relation?.farewell(now);
  }

  /** The node lost the VIPs, or its lease, for a reason nobody asked for. */
  recordLoss(now: Instant): void {
    this.flaps.record(now);
  }

  #counterOf(place: string): Counter {
    const known = this.#received.get(place);
    if (known !== undefined) return known;
    const counter = this.#parts.bulletin.counters.of(`beats.${place}.received`);
    this.#received.set(place, counter);
    return counter;
  }

  #decides(): boolean {
    return this.#parts.scene().configuration.failover === 'node';
  }

  #group(): FailoverGroup | undefined {
    return this.#decides() ? this.#parts.groups.node : undefined;
  }

  #tell(input: Parameters<NodeGroups['tell']>[1], now: Instant): void {
    if (this.#decides()) this.#parts.groups.tell('node', input, now);
  }

  #standing(now: Instant): OwnPart {
    const { configuration, lease } = this.#parts.scene();
    const group = this.#group();
    const first = configuration.vips[0];
    return {
      health: this.leaving ? LEAVING.health : this.#ability(now),
      demotion: this.leaving ? LEAVING.demotion : this.#parts.demotions.total(),
      preference: first === undefined ? 0xffff : rank(first),
      role: configuration.role,
      node: configuration.node,
      bootId: this.#parts.identity.bootId,
      state: group?.state ?? 'INIT',
      since: group?.since ?? now,
      lease,
      leaving: this.leaving,
      mayTakeFreeAt: group?.backoff.untilFree,
      mayTakeHeldAt: group?.backoff.untilHeld,
      mayPreemptAt: group?.mayPreemptAt,
      heldUntil: this.flaps.heldUntil(now),
    };
  }

  #carryOut(output: RelationOutput, now: Instant): void {
    switch (output.kind) {
      case 'beat':
      case 'greet': {
        const { device, peerAddress } = output.path;
        if (peerAddress === undefined) return;
        const { interface: place } = output.path;
        const destination = peerAddress;
        if (output.kind === 'greet') {
          return this.#parts.push({ kind: 'greet', interface: place, device, destination });
        }
        const { beat } = output;
        return this.#parts.push({ kind: 'beat', interface: place, device, destination, beat });
      }
      case 'prepare':
        return this.#tell({ kind: 'prepare' }, now);
      case 'verdict':
        return this.#judged(output, now);
      case 'move':
        return this.#move(output.move, now);
    }
  }

  #move(move: AccordMove, now: Instant): void {
    switch (move.kind) {
      case 'take': {
        const isSilence = move.ground === undefined;
        const isUnplanned = isSilence || move.ground === 'health';
        const farewell = this.relation?.beat?.farewell === true;
        const asked = this.relation?.beat?.demotion === LEAVING.demotion || farewell;
        if (isUnplanned && !asked) this.flaps.record(now);
        const because = isSilence && !farewell ? 'silence' : 'granted';
        return this.#tell({ kind: 'take', cause: move.cause, because }, now);
      }
      case 'hand-over': {
        this.#lingerUntil = after(now, LINGER);
        const unasked = this.#parts.demotions.list().some(({ reason }) => !ASKED_FOR.test(reason));
        if (unasked && !this.leaving) this.recordLoss(now);
        return this.#tell({ kind: 'hand-over', cause: move.cause }, now);
      }
      case 'reassert':
        this.#overlapped(move.overlap, now);
        return this.#tell({ kind: 'reassert' }, now);
      case 'yield':
        this.#overlapped(move.overlap, now);
        return this.#tell({ kind: 'yield', cause: move.cause }, now);
      case 'stand-down':
        return this.#tell({ kind: 'stand-down', cause: move.cause }, now);
    }
  }

  /** Both nodes tell how long both were MASTER, as far as they can know. */
  #overlapped(overlap: Duration, now: Instant): void {
    const name = this.relation?.beat?.node ?? 'the peer';
    const overlapMs = Math.round(toMilliseconds(overlap));
    const text = `two masters met: ${name} and this node, both for at most ${overlapMs} ms`;
    this.#parts.bulletin.event('overlap', text, { peer: name, overlapMs });
    this.#parts.bulletin.alert('second-master', text, now, HEARD_ALERT);
  }

  #judged({ verdict, before }: Extract<RelationOutput, { kind: 'verdict' }>, now: Instant): void {
    const { bulletin } = this.#parts;
    const { beat } = this.relation ?? {};
    const name = beat?.node ?? 'the peer';
    if (verdict === 'suspect') return bulletin.counters.add('peer.suspected');
    if (verdict === 'alive') {
      bulletin.clearAlert('peer');
      bulletin.clearAlert('beats');
      if (before !== 'suspect') bulletin.event('peer', `${name} is heard by beats`);
    }
    const reborn = verdict === 'dead' ? this.#reborn() : undefined;
    if (reborn !== undefined) return this.fallBack(reborn.place, reborn.source, now);
    if (verdict === 'dead') {
      const text = beat?.farewell === true ? `${name} was stopped` : `${name} is silent everywhere`;
      bulletin.event('peer', text);
      bulletin.alert('peer', text, now);
      if (!this.#decides()) this.#succeed(text, now);
    }
    this.#bind(now);
  }

  /** Not every path is silent: somebody has advertised since the peer's last beat. */
  #reborn(): Stranger | undefined {
    const stranger = this.#stranger;
    if (stranger === undefined || this.#group()?.state === 'MASTER') return undefined;
    const heardAt = this.relation?.liveness.heardAt ?? stranger.at;
    return after(stranger.at, READING) >= heardAt ? stranger : undefined;
  }

  /** An advertisement that came when beats were missing already: it speaks on, without them. */
  #outlasts(at: Instant): boolean {
    const { liveness, beat } = this.relation ?? {};
    const { beats } = this.#parts.scene().configuration;
    if (liveness?.heardAt === undefined || beats === undefined) return false;
    const slower = Math.max(beats.interval, beat?.interval ?? 0) as Duration;
    return at > after(after(liveness.heardAt, beatPatience(slower)), AWAY);
  }

  /** Each VIP has an election of its own: those whose master the dead one was are free. */
  #succeed(cause: string, now: Instant): void {
    const paths = this.relation?.paths.all ?? [];
    const gone = new Set(
      paths.flatMap(({ peerAddress, advertised }) => [peerAddress, ...advertised.values()]),
    );
    for (const [id, group] of this.#parts.groups.all) {
      const heard = [...group.memberships.values()].flatMap((each) => each.heard ?? []);
      const ofPeer = heard.filter(({ source }) => gone.has(source));
      const wasMaster = ofPeer.length > 0;
      const speaks = ofPeer.some(({ at }) => this.#outlasts(at));
      if (group.state !== 'BACKUP' || !wasMaster || speaks) continue;
      this.#parts.groups.tell(id, { kind: 'take', cause, because: 'silence' }, now);
    }
  }

  #bind(now: Instant): void {
    this.#tell({ kind: 'bind', bound: this.isBinding, known: this.isKnown }, now);
  }

  /** Beats were switched off. */
  #part(now: Instant): void {
    if (this.relation === undefined) return;
    this.relation = undefined;
    this.#parts.bulletin.clearAlert('peer');
    this.#bind(now);
  }
}

function isSameKey(one: Uint8Array | undefined, other: Uint8Array | undefined): boolean {
  return String(one) === String(other);
}
