/**
 * The node: every decision of the election process in one machine.
 *
 * It holds the failover groups, the interfaces, the demotions and the alerts, and lets them act on
 * one another: a lost carrier demotes the node and moves all of it, a demotion changes what every
 * group advertises, a refused frame becomes an alert with a name.
 */
import type { PairConfiguration, VipConfiguration } from '../configuration/pair-configuration.ts';
import { DemotionLedger } from '../election/demotion.ts';
import type { FailoverGroup } from '../election/failover-group.ts';
import type { GroupOutput } from '../election/group-io.ts';
import { ADVSKEW_DEMOTED } from '../election/interval.ts';
import { type PublicState, publicState } from '../election/states.ts';
import { invariant } from '../invariant.ts';
import type { Machine } from '../machine.ts';
import { after, type Duration, earliest, type Instant, seconds } from '../time.ts';
import { Bulletin, HEARD_ALERT } from './bulletin.ts';
import { CarpHearing } from './carp-hearing.ts';
import { Departure } from './departure.ts';
import { type DemotionReport, ExternalDemotions } from './external-demotions.ts';
import { groupId } from './group-plan.ts';
import type { InterfaceWatch } from './interface-watch.ts';
import { KernelCare } from './kernel-care.ts';
import { type GroupTold, NodeGroups } from './node-groups.ts';
import type { NodeInput, NodeOutput, SeenInterface } from './node-io.ts';
import { type NodeScene, nextScene } from './node-scene.ts';
import { watchPaths } from './path-watch.ts';
import { LINGER, PeerConduct } from './peer-conduct.ts';
import { Speaker } from './speaker.ts';

const TAKEOVER_ALERT = seconds(300);
/** A node that was late once is likely to be late again. */
const LATE_DEMOTION = seconds(10);
/** So long at most for the peer's flows. */
const FLOWS_DEMOTION = seconds(60);
const CLAIM_DEMOTION = seconds(30);
/** What a node that stops still listens to: it finishes its good-byes. */
const HEARD_WHILE_STOPPING = new Set<NodeInput['kind']>(['wake', 'settled', 'sent', 'renewed']);

export interface NodeStart {
  readonly configuration: PairConfiguration;
  readonly maintenance: boolean;
  /** A random 64-bit number for each VHID's counter. */
  readonly random64: () => bigint;
  /** Random, 64 bits: this life of the process. */
  readonly bootId: bigint;
  /** Random, 32 bits: low half of the counters of all advertisements of this life. */
  readonly counterTag: number;
}

export class FailoverNode implements Machine<NodeInput, NodeOutput> {
  readonly demotions = new DemotionLedger();
  readonly bulletin = new Bulletin((event) => this.#outputs.push({ kind: 'event', event }));
  readonly #outputs: NodeOutput[] = [];
  readonly #external = new ExternalDemotions();
  readonly conduct: PeerConduct;
  readonly #departure: Departure;
  readonly #speaker: Speaker;
  readonly #groups: NodeGroups;
  readonly #kernel: KernelCare;
  readonly #carp: CarpHearing;
  #scene: NodeScene;
  #stopping = false;
  #stopped = false;

  constructor(start: NodeStart, now: Instant) {
    const { configuration, maintenance, random64, bootId, counterTag } = start;
    this.bulletin.event('start', `node ${configuration.node} (${configuration.role}) starts`);
    this.#speaker = new Speaker(random64, counterTag);
    this.#scene = nextScene(configuration, undefined, now);
    this.#groups = new NodeGroups({
      scene: this.#scene,
      onTold: (told) => this.#pass(told),
      onPlan: (plan) => this.#outputs.push({ kind: 'apply', plan }),
    });
    this.#kernel = new KernelCare(this.bulletin, this.#groups);
    this.conduct = new PeerConduct(
      {
        bulletin: this.bulletin,
        groups: this.#groups,
        scene: () => this.#scene,
        demotions: this.demotions,
        blame: (reason, stands, at) => {
          if (stands) this.#demote(reason, 'segment-watch', at);
          else this.#promote(reason, at);
        },
        push: (output) => this.#outputs.push(output),
        identity: { bootId, counterTag },
      },
      now,
    );
    this.#carp = new CarpHearing({
      bulletin: this.bulletin,
      groups: this.#groups,
      conduct: this.conduct,
      scene: () => this.#scene,
    });
    this.#departure = new Departure({
      conduct: this.conduct,
      state: () => this.state,
      demotion: () => this.demotions.total(),
      demote: (weight, at) => this.#demote('operator', 'operator', at, undefined, weight),
      promote: (at) => this.#promote('operator', at),
      onHandover: (ok, text) => this.#outputs.push({ kind: 'handover-ended', ok, text }),
      onGone: (at) => this.#finish(at),
    });
    this.#demote('boot', 'start', now);
    if (maintenance) this.#demote('maintenance', 'operator', now);
    this.#speaker.configure(undefined, this.#scene, now);
    this.#groups.configure(this.#scene, this.demotions.total(), now);
    this.conduct.configure(now);
  }

  get configuration(): PairConfiguration {
    return this.#scene.configuration;
  }

  /** By logical name. */
  get interfaces(): ReadonlyMap<string, InterfaceWatch> {
    return this.#scene.interfaces;
  }

  /** By id: `node`, or what the VIP is on the wire. */
  get groups(): ReadonlyMap<string, FailoverGroup> {
    return this.#groups.all;
  }

  /** The state of the node: MASTER when it serves anything. */
  get state(): PublicState {
    const states = [...this.groups.values()].map((group) => publicState(group.state));
    if (states.includes('MASTER')) return 'MASTER';
    return states.includes('BACKUP') ? 'BACKUP' : 'INIT';
  }

  get maintenance(): boolean {
    return this.demotions.has('maintenance');
  }

  /** True when an advertisement with this counter was sent by this node a moment ago. */
  isRecentCounter(device: string, vhid: number, counter: bigint): boolean {
    return this.#speaker.isRecentCounter(`${device}/${vhid}`, counter);
  }

  /** What a VIP was a short while ago, newest first: the peer may not know better yet. */
  formerVips(device: string, vhid: number, now: Instant): readonly VipConfiguration[] {
    return this.#speaker.former.toHear(`${device}/${vhid}`, now);
  }

  /** The group a VIP belongs to. */
  groupOf(vip: VipConfiguration): FailoverGroup {
    const group = this.groups.get(groupId(this.configuration, vip));
    invariant(group !== undefined, `VIP ${vip.name} belongs to a group`);
    return group;
  }

  handle(input: NodeInput, now: Instant): void {
    if (this.#stopping && !HEARD_WHILE_STOPPING.has(input.kind)) return;
    switch (input.kind) {
      case 'wake':
        return this.#groups.tellAll({ kind: 'wake' }, now);
      case 'settled':
        return this.#settle(now);
      case 'configure':
        return this.#configure(input.configuration, now);
      case 'interface':
        return this.#see(input.interface, input.seen, now);
      case 'advertisement':
        return this.#carp.hear(input.interface, input.advertisement, now);
      case 'refused':
        return this.#carp.refused(input.interface, input.refusal, now);
      case 'beat':
        return this.conduct.beat(input.interface, input.beat, now);
      case 'beat-refused':
        return this.conduct.refused(input, now);
      case 'session':
        return this.conduct.session(now);
      case 'let-go':
        return this.conduct.letGo(input.ok, now);
      case 'frames':
        return this.conduct.counted(input.interface, input.frames, now);
      case 'handover':
        return this.#departure.handOver(now);
      case 'renewed':
        if (!input.held) this.#groups.tellHolder(input.group, { kind: 'lease-lost' }, now);
        return;
      case 'renewal-late':
        return this.#renew(input.group, now);
      case 'claim-late':
        return this.#groups.tellHolder(input.group, { kind: 'claim-late' }, now);
      case 'claimed':
        return this.#groups.tellHolder(input.group, { kind: 'claimed' }, now);
      case 'claim-failed':
        return this.#claimFailed(input.group, input.text, now);
      case 'release-failed':
        return this.bulletin.alert('release', `a lease stays: ${input.text}`, now, HEARD_ALERT);
      case 'sent':
        return this.#sent(input.interface, input.ok, now);
      case 'problems':
        return this.#kernel.applied(input.problems, now);
      case 'damaged':
        return this.#kernel.damaged(input.text, now);
      case 'maintenance':
        return this.#maintain(input.entered, now);
      case 'flows':
        return this.#awaitFlows(input.ready, now);
      case 'demotions':
        return this.#takeDemotions(input.report, now);
      case 'stop':
        return this.#stop(now);
    }
  }

  poll(): NodeOutput | undefined {
    return this.#outputs.length === 0 ? undefined : this.#outputs.shift();
  }

  nextTimeout(): Instant | undefined {
    let next = earliest(this.demotions.nextExpiry(), this.bulletin.nextTimeout());
    next = earliest(next, this.#groups.nextTimeout());
    next = earliest(next, this.#departure.nextTimeout());
    if (this.#stopping) return next;
    next = earliest(next, this.conduct.nextTimeout());
    next = earliest(next, this.#external.nextTimeout());
    next = earliest(next, this.#kernel.nextTimeout());
    for (const { link } of this.#scene.watches) next = earliest(next, link.nextTimeout());
    return next;
  }

  #configure(configuration: PairConfiguration, now: Instant): void {
    this.bulletin.event('config', 'configuration loaded');
    const former = this.#scene;
    this.#scene = nextScene(configuration, former, now);
    this.#speaker.configure(former, this.#scene, now);
    this.#groups.configure(this.#scene, this.demotions.total(), now);
    this.conduct.configure(now);
    for (const [name, watch] of this.interfaces) {
      if (watch.link.observed) this.#judgeLink(name, watch, now);
    }
    for (const [name, watch] of former.interfaces) this.#forget(name, watch, now);
  }

  /** What was said of an interface that is not there any more, or is another device now. */
  #forget(name: string, former: InterfaceWatch, now: Instant): void {
    const watch = this.interfaces.get(name);
    if (watch !== former || !watch.carriesVips) this.#promote(`send:${name}`, now);
    if (watch !== undefined) return;
    this.#promote(`link:${name}`, now);
    for (const kind of ['link', 'send', 'address']) this.bulletin.clearAlert(`${kind}:${name}`);
  }

  #see(name: string, seen: SeenInterface, now: Instant): void {
    const watch = this.interfaces.get(name);
    if (watch === undefined) return;
    const returned = seen.present && watch.seen?.present === false;
    const missed = watch.seen === undefined ? watch.configuration.addresses : watch.missing;
    const before = watch.link.usable;
    watch.see(seen, now);
    const lost = watch.missing.some((each) => !missed.includes(each));
    if (returned || lost) this.#groups.apply();
    this.conduct.see(name, watch, now);
    this.#tellLink(name, watch, before, now);
    this.#finishBoot(now);
  }

  #tellLink(name: string, watch: InterfaceWatch, before: boolean, now: Instant): void {
    const { usable, explanation } = watch.link;
    const cause = `${name}: ${explanation}`;
    if (usable !== before) this.bulletin.event('link', `${name} (${watch.device}): ${explanation}`);
    // It was not there when the plan was applied, and came back unseen: nothing is on it yet.
    const isUnmade = this.bulletin.alerts.has(`no-device:${watch.device}`);
    if (usable && !before && isUnmade) this.#groups.apply();
    this.#groups.tellAll({ kind: 'interface', interface: name, usable }, now);
    // Leave before the demotion is advertised: the peer must not take over while we still serve.
    if (before && !usable && watch.carriesVips) this.#stepAside(cause, now);
    this.#judgeLink(name, watch, now);
  }

  /** Demotions and alerts as the interface is now. */
  #judgeLink(name: string, { link, carriesVips, missing }: InterfaceWatch, now: Instant): void {
    if (link.usable || !carriesVips) this.#promote(`link:${name}`, now);
    else this.#demote(`link:${name}`, 'link-watch', now);
    if (link.usable) this.bulletin.clearAlert(`link:${name}`);
    else this.bulletin.alert(`link:${name}`, `${name}: ${link.explanation}`, now);
    const [address] = missing;
    if (address === undefined) return this.bulletin.clearAlert(`address:${name}`);
    const text = `${name}: no real address ${address.address}/${address.prefix}`;
    this.bulletin.alert(`address:${name}`, text, now);
  }

  #finishBoot(now: Instant): void {
    for (const { link } of this.interfaces.values()) if (!link.observed) return;
    this.#promote('boot', now);
  }

  #claimFailed(group: number, text: string, now: Instant): void {
    this.#kernel.claimFailed(group, text, now);
    this.#demote('service:lease', 'kernel', now, CLAIM_DEMOTION);
  }

  #sent(name: string, ok: boolean, now: Instant): void {
    const watch = this.interfaces.get(name);
    if (watch === undefined) return;
    this.bulletin.counters.add(`carp.${name}.${ok ? 'sent' : 'send-errors'}`);
    if (!ok) this.#groups.tellAll({ kind: 'unsent', interface: name }, now);
    const verdict = watch.sending.record(ok);
    if (verdict === 'unchanged') return;
    if (verdict === 'recovered') return this.#promote(`send:${name}`, now);
    const cause = `advertisements cannot be sent on ${name}`;
    this.#stepAside(cause, now);
    this.#demote(`send:${name}`, 'send-watch', now, HEARD_ALERT);
    this.bulletin.alert(`send:${name}`, cause, now);
  }

  #maintain(entered: boolean, now: Instant): void {
    if (entered === this.maintenance) return;
    this.#outputs.push({ kind: 'remember', maintenance: entered });
    this.bulletin.event('maintenance', entered ? 'maintenance begins' : 'maintenance ends');
    if (!entered) return this.#promote('maintenance', now);
    this.#stepAside('maintenance', now);
    this.#demote('maintenance', 'operator', now);
  }

  /** A node that serves does not stop because its flows are not told: nobody else has them. */
  #awaitFlows(ready: boolean, now: Instant): void {
    if (ready || this.state === 'MASTER') return this.#promote('flows', now);
    this.#demote('flows', 'yoke-flows', now, FLOWS_DEMOTION);
  }

  #takeDemotions(report: DemotionReport, now: Instant): void {
    this.#external.take(report, now);
    this.#settleDemotions(now);
  }

  #settleDemotions(now: Instant): void {
    for (const change of this.#external.settle(this.state === 'MASTER', now)) {
      if (change.kind === 'clear') this.#promote(change.reason, now);
      else this.#demote(change.reason, change.owner, now, undefined, change.weight);
    }
  }

  /** CARP's way to leave; where the peer's beats decide, the demotion that follows is enough. */
  #stepAside(cause: string, now: Instant): void {
    if (!this.conduct.isKnown) this.#groups.tellAll({ kind: 'step-aside', cause }, now);
  }

  /** First the peer takes over, if it can; then everything is let go. */
  #stop(now: Instant): void {
    this.bulletin.event('stop', 'the node stops');
    this.#departure.leave(now);
  }

  #finish(now: Instant): void {
    this.#stopping = true;
    this.#groups.tellAll({ kind: 'stop', cause: 'stopped' }, now);
    this.#finishStop(now);
  }

  #settle(now: Instant): void {
    for (const reason of this.demotions.expire(now)) this.#demotionEnded(reason, now);
    this.#settleDemotions(now);
    this.bulletin.settle(now);
    if (!this.#stopping) this.#settleKernel(now);
    this.conduct.settle(now);
    this.#groups.settle(now);
    this.conduct.judge(now);
    watchPaths({ groups: this.groups, relation: this.conduct.relation }, this.bulletin, now);
    if (this.demotions.has('flows') && this.state === 'MASTER') this.#promote('flows', now);
    this.#forgetHandover(now);
    this.#departure.settle(now);
    this.#finishStop(now);
  }

  #renew(group: number, now: Instant): void {
    this.#outputs.push({ kind: 'renew', group, before: this.conduct.announce(now) });
  }

  /** What a handover left behind is of no use where the peer is the better one anyway. */
  #forgetHandover(now: Instant): void {
    const left = this.demotions.get('operator');
    if (left === undefined || this.state === 'MASTER') return;
    if (this.conduct.isOutranked(left.weight, now)) this.#promote('operator', now);
  }

  #settleKernel(now: Instant): void {
    this.#kernel.settle(now);
    for (const watch of this.#scene.watches) {
      const before = watch.link.usable;
      watch.link.settle(now);
      if (watch.link.usable !== before) {
        this.#tellLink(watch.configuration.name, watch, before, now);
      }
    }
  }

  #finishStop(now: Instant): void {
    if (!this.#stopping || this.#stopped || this.#groups.sayGoodbye) return;
    this.#stopped = true;
    this.conduct.farewell(now);
    this.#outputs.push({ kind: 'stopped' });
  }

  #pass({ group, output, scene, now }: GroupTold): void {
    switch (output.kind) {
      case 'prepare': {
        const vips = output.members.map((member) => this.#speaker.place(member, scene));
        this.#outputs.push({ kind: 'prepare', group: group.rules.group, vips });
        return;
      }
      case 'claim': {
        const before = this.conduct.announceClaim(now);
        const vips = output.members.map((member) => this.#speaker.place(member, scene));
        this.#outputs.push({ kind: 'claim', group: group.rules.group, vips, before });
        return;
      }
      case 'linger':
        this.#outputs.push({ kind: 'linger', group: group.rules.group, span: LINGER });
        return;
      case 'renew':
        return this.#renew(group.rules.group, now);
      case 'release':
        this.#outputs.push({ kind: 'release', group: group.rules.group });
        return;
      case 'announce':
        this.#outputs.push(this.#speaker.announce(output.member, scene));
        return;
      case 'advertise':
        this.#outputs.push(...this.#speaker.advertise(output, scene, now));
        return;
      case 'transition':
        return this.#transition(group, output, now);
    }
  }

  #transition(
    group: FailoverGroup,
    { from, to, event, cause }: Extract<GroupOutput, { kind: 'transition' }>,
    now: Instant,
  ): void {
    const { name } = group.rules;
    this.bulletin.counters.add(`transitions.${to}`);
    const kind = to === 'LAPSED' ? 'lease' : 'transition';
    const data = { group: name, from, to, cause, monotonicUs: now };
    this.bulletin.event(kind, `${name}: ${from} -> ${to}: ${cause}`, data);
    if (to === 'LAPSED') this.bulletin.counters.add('lease.lapsed');
    if (from === 'LAPSED' && to === 'BACKUP') {
      this.conduct.recordLoss(now);
      this.#demote('late', 'election', now, LATE_DEMOTION);
    }
    if (to === 'MASTER') this.#promote('operator', now);
    if (event === 'silence' && this.#heardAnybody(group)) {
      this.bulletin.alert('takeover', `${name} became MASTER: ${cause}`, now, TAKEOVER_ALERT);
    }
  }

  /** A first start without a peer is not a takeover. */
  #heardAnybody(group: FailoverGroup): boolean {
    return [...group.memberships.values()].some((each) => each.heard !== undefined);
  }

  #demote(
    reason: string,
    owner: string,
    now: Instant,
    lasts?: Duration,
    weight: number = ADVSKEW_DEMOTED,
  ): void {
    const expires = lasts === undefined ? {} : { expires: after(now, lasts) };
    const former = this.demotions.get(reason)?.weight;
    this.demotions.raise({ reason, weight, owner, ...expires }, now);
    if (former === weight) return;
    this.bulletin.event('demotion', `demoted: ${reason}`, { reason, weight });
    this.#groups.tellAll({ kind: 'demotion', total: this.demotions.total() }, now);
  }

  #promote(reason: string, now: Instant): void {
    if (this.demotions.clear(reason)) this.#demotionEnded(reason, now);
  }

  #demotionEnded(reason: string, now: Instant): void {
    this.bulletin.event('demotion', `no longer demoted: ${reason}`, { reason, weight: 0 });
    // The alert of the same name, if there is one.
    this.bulletin.clearAlert(reason);
    const [kind, name = ''] = reason.split(':');
    if (kind === 'send') this.interfaces.get(name)?.sending.reset();
    this.#groups.tellAll({ kind: 'demotion', total: this.demotions.total() }, now);
  }
}
