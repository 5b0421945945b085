/**
 * What comes in by CARP: which advertisements the election may hear of, which are only noted
 * because the peer's beats decide, which are forgeries; and what people are told of the rest.
 */
import type { CarpRefusal, ReceivedCarp } from '../../wire/carp-reception.ts';
import type { VipConfiguration } from '../configuration/pair-configuration.ts';
import { counterTag as tagOf } from '../election/advertisement-counter.ts';
import { isGoodbye } from '../election/contention.ts';
import { ADVSKEW_DEMOTED, rank } from '../election/interval.ts';
import { AdvertisementTrust } from '../peer/advertisement-trust.ts';
import type { Instant } from '../time.ts';
import { type Bulletin, HEARD_ALERT } from './bulletin.ts';
import { groupId, vipId } from './group-plan.ts';
import type { NodeGroups } from './node-groups.ts';
import type { NodeScene } from './node-scene.ts';
import type { PeerConduct } from './peer-conduct.ts';
import { refusalAlert } from './refusal-alerts.ts';

/** Advertisements of a peer that is dead by its beats, before that is not believed any more. */
const WORDS_OF_THE_DEAD = 2;
/** The same of another speaker, who counts on: the peer speaks no beats in its new life. */
const WORDS_OF_A_STRANGER = 3;

/** `election`: as CARP has it. `noted`: genuine, but beats decide. `forged`: to be ignored. */
type Trust = 'election' | 'noted' | 'forged';

export interface HearingParts {
  readonly bulletin: Bulletin;
  readonly groups: NodeGroups;
  readonly conduct: PeerConduct;
  readonly scene: () => NodeScene;
}

export class CarpHearing {
  readonly #parts: HearingParts;
  readonly #trust = new AdvertisementTrust();
  #wordsOfTheDead = 0;

  constructor(parts: HearingParts) {
    this.#parts = parts;
  }

  hear(place: string, heard: ReceivedCarp, now: Instant): void {
    const { bulletin, groups, conduct, scene } = this.#parts;
    const { configuration, interfaces } = scene();
    const vip = configuration.vips.find(
      (each) => each.interface === place && each.vhid === heard.vhid,
    );
    if (vip === undefined) return;
    bulletin.counters.add(`carp.${place}.received`);
    const id = vipId(configuration, vip);
    const trust = this.#judge(id, place, heard, now);
    if (trust === 'forged' || (trust === 'noted' && !conduct.isBinding)) return;
    const { source, family, advbase, advskew, fromVirtualMac: serving } = heard;
    const pace = { advbase, advskew };
    if (rank(pace) === rank(vip) && advskew < ADVSKEW_DEMOTED) this.#sameSkew(vip, source, now);
    const ownSource = interfaces.get(place)?.source(family, vip.peer);
    const input = {
      kind: 'advertisement',
      heard: { id, family, source, ownSource, pace, serving },
    } as const;
    const group = groupId(configuration, vip);
    groups.tell(group, input, now);
    const isMaster = groups.all.get(group)?.state === 'MASTER';
    if (trust === 'election' && isMaster && !isGoodbye(pace)) this.#secondMaster(vip, source, now);
  }

  refused(place: string, refusal: CarpRefusal, now: Instant): void {
    const { bulletin, scene } = this.#parts;
    bulletin.counters.add(`carp.${place}.refused.${refusal.refusal}`);
    const { vips } = scene().configuration;
    const alert = refusalAlert(place, refusal, {
      has: (vhid) => vips.some((vip) => vip.interface === place && vip.vhid === vhid),
    });
    if (alert !== undefined) bulletin.alert(alert.code, alert.text, now, HEARD_ALERT);
  }

  #judge(id: string, place: string, heard: ReceivedCarp, now: Instant): Trust {
    const { conduct } = this.#parts;
    const { relation } = conduct;
    if (relation === undefined) return 'election';
    const isRepeated = this.#trust.repeats(id, heard);
    if (relation.beat === undefined || !conduct.isKnown) {
      const isPeers = relation.paths.get(place)?.peerAddress === heard.source;
      if (isPeers && !isRepeated && this.#isOfNewLife(heard))
        conduct.heardStranger(place, heard.source, now);
      // A peer that was met is a Yoke, and never repeats itself.
      if (isRepeated && conduct.hasMet) return this.#forged(place, heard, now);
      // It may be the peer, and have no other way to us.
      relation.heardAdvertisement(place, heard.family, heard.source);
      // Anybody can repeat a good-bye; the peer will say itself whether it serves.
      return relation.isNew(now) && isGoodbye(heard) ? 'forged' : 'election';
    }
    const { counterTag, farewell } = relation.beat;
    if (isRepeated || tagOf(heard.counter) !== counterTag) {
      const isNew = !isRepeated && this.#isOfNewLife(heard);
      const words = isNew ? this.#trust.stranger(id, heard.counter, counterTag) : 0;
      if (words > 0) conduct.heardStranger(place, heard.source, now);
      if (relation.verdict !== 'dead' || !this.#isEnough(words, WORDS_OF_A_STRANGER)) {
        return this.#forged(place, heard, now);
      }
      conduct.fallBack(place, heard.source, now);
      return 'election';
    }
    relation.heardAdvertisement(place, heard.family, heard.source);
    if (relation.verdict !== 'dead') this.#wordsOfTheDead = 0;
    // Good-byes may come in after the last beat.
    if (relation.verdict !== 'dead' || farewell || isGoodbye(heard)) return 'noted';
    this.#wordsOfTheDead += 1;
    if (!this.#isEnough(this.#wordsOfTheDead, WORDS_OF_THE_DEAD)) return 'noted';
    conduct.fallBack(place, heard.source, now);
    return 'election';
  }

  /** Of no life of the peer that its beats have told of. */
  #isOfNewLife({ counter }: ReceivedCarp): boolean {
    const { relation } = this.#parts.conduct;
    const tag = tagOf(counter);
    const known = relation?.beat?.counterTag;
    return known !== undefined && tag !== known && relation?.isFormerTag(tag) === false;
  }

  /** One that serves nothing, after a lapse for example, listens to the first. */
  #isEnough(words: number, wanted: number): boolean {
    const groups = [...this.#parts.groups.all.values()];
    return words >= (groups.some(({ state }) => state === 'MASTER') ? wanted : 1);
  }

  #forged(place: string, { source, advbase, advskew }: ReceivedCarp, now: Instant): 'forged' {
    const { bulletin } = this.#parts;
    bulletin.counters.add(`carp.${place}.spoofed`);
    const what = `an advertisement (advbase ${advbase}, advskew ${advskew}) from ${source}`;
    const text = `${what} contradicts the beats of the peer: replayed, or of a third node`;
    bulletin.alert(`spoofed-advert:${place}`, text, now, HEARD_ALERT);
    return 'forged';
  }

  #sameSkew({ name }: VipConfiguration, source: string, now: Instant): void {
    const what = `${source} advertises VIP ${name} with our own advbase and advskew`;
    const text = `${what}: both nodes have the same role?`;
    this.#parts.bulletin.alert(`skew:${name}`, text, now, HEARD_ALERT);
  }

  #secondMaster(vip: VipConfiguration, source: string, now: Instant): void {
    const { bulletin } = this.#parts;
    bulletin.counters.add(`carp.${vip.interface}.second-master`);
    const text = `${source} is a second master of VIP ${vip.name}`;
    bulletin.alert(`second-master:${vip.name}`, text, now, HEARD_ALERT);
  }
}
