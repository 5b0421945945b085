/**
 * The election machine: one failover group, its VHIDs, its timers and its lease.
 *
 * It finds out which event of states.ts an input is, looks up the transition and carries the
 * actions out as outputs. One turn of the loop around it is
 *
 *   wake      first: the lease is renewed, or found lapsed, before anything else is said
 *   ...       what arrived: advertisements, link changes, demotions, commands
 *   settled   last: a vacancy, the verdict after a lapse, then every timer that is due
 *
 * so that a node that was stopped for ten seconds reads what happened before it acts on old timers
 * or on an old good-bye.
 */
import type { Machine } from '../machine.ts';
import { after, between, earliest, type Instant, instant, milliseconds } from '../time.ts';
import { ClaimBackoff } from './claim-backoff.ts';
import type { GroupInput, GroupOutput, GroupRules, HeardAdvertisement } from './group-io.ts';
import { GroupVoice } from './group-voice.ts';
import { heardEvent, heardText } from './hearing.ts';
import { LeaseClock } from './lease-clock.ts';
import { type Family, Membership, nextAdvertisement, silenceOfAll } from './membership.ts';
import { Preemption } from './preemption.ts';
import { type Action, type Event, type State, TABLE } from './states.ts';
import { VacancyWatch } from './vacancy.ts';

/** The kernel may be busy when VIPs are to be raised; the peer's promise lasts longer than this. */
export const CLAIM_AT_MOST = milliseconds(50);
/** Beyond the lease: the kernel rounds it up to its tick, and the old MASTER needs to be told. */
const PATIENCE = milliseconds(15);

export class FailoverGroup implements Machine<GroupInput, GroupOutput> {
  state: State = 'INIT';
  since: Instant;
  reason = 'started';
  readonly #memberships = new Map<string, Membership>();
  /** The same, to be walked in every turn. */
  #all: readonly Membership[] = [];
  readonly #outputs: GroupOutput[] = [];
  readonly #preemption: Preemption;
  readonly #voice: GroupVoice;
  readonly #lease: LeaseClock;
  readonly #backoff = new ClaimBackoff();
  #rules: GroupRules;
  #demotion = 0;
  /** Asked of the kernel and not yet confirmed. */
  #claiming: readonly Membership[] | undefined;
  /** When a lease that was not held before was asked for. */
  #askedAt: Instant | undefined;
  /** The last claim was made too late to be carried out. */
  #wasLate = false;
  #patientUntil: Instant | undefined;
  /** The beats of the peer decide, not what is heard here. */
  #bound = false;
  /** A peer was met by beats: it need not be called in by a good-bye. */
  #known = false;
  readonly #vacancy = new VacancyWatch();

  constructor(rules: GroupRules, now: Instant) {
    this.#rules = rules;
    this.#lease = new LeaseClock(rules.lease);
    this.#voice = new GroupVoice({
      memberships: this.#memberships,
      isMaster: () => this.state === 'MASTER',
      demotion: () => this.#demotion,
      push: (output) => this.#outputs.push(output),
    });
    this.#preemption = new Preemption(rules.preemption, now);
    this.since = now;
  }

  get rules(): GroupRules {
    return this.#rules;
  }

  /** What each VHID has heard and says, by the member's id. */
  get memberships(): ReadonlyMap<string, Membership> {
    return this.#memberships;
  }

  get demotion(): number {
    return this.#demotion;
  }

  /** How long its hands are off the VIPs: the kernel has just refused them or taken them back. */
  get backoff(): Pick<ClaimBackoff, 'untilFree' | 'untilHeld'> {
    return this.#backoff;
  }

  /** When preference alone may move the VIPs here; undefined for never. */
  get mayPreemptAt(): Instant | undefined {
    return this.#preemption.permittedAt;
  }

  /** True while good-byes are still to be repeated: a clean stop waits for them. */
  get saysGoodbye(): boolean {
    return this.#voice.goodbyes.next !== undefined;
  }

  handle(input: GroupInput, now: Instant): void {
    switch (input.kind) {
      case 'wake':
        return this.#wake(now);
      case 'settled':
        return this.#settle(now);
      case 'advertisement':
        return this.#hear(input.heard, now);
      case 'interface':
        return this.#interfaceChanged(input.interface, input.usable, now);
      case 'demotion':
        return this.#demoted(input.total, now);
      case 'step-aside':
        return this.#step('step-aside', input.cause, now);
      case 'bind':
        this.#known = input.known;
        return this.#bind(input.bound, now);
      case 'take':
        return this.#take(input.because, input.cause, now);
      case 'prepare':
        return this.#prepare(now);
      case 'hand-over':
        return this.#step('handed-over', input.cause, now);
      case 'yield':
        return this.#step('better', input.cause, now);
      case 'stand-down':
        // No good-bye: the peer knows, and one that hears no beats would take it for a vacancy.
        if (this.state === 'LAPSED') this.#step('better', input.cause, now);
        return;
      case 'reassert':
        return this.#reassert(now);
      case 'lease-lost':
        return this.#lapse('the lease ran out', now);
      case 'claimed':
        return this.#claimed(now);
      case 'claim-failed':
        return this.#claimFailed(input.text, now);
      case 'claim-late':
        return this.#claimLate(now);
      case 'unsent':
        if (this.state === 'MASTER') this.#voice.resend(input.interface, now);
        return;
      case 'applied':
        return this.#raise(now);
      case 'repaired':
        return this.#raiseAnew(now);
      case 'members':
        return this.#changeMembers(input, now);
      case 'rules':
        return this.#changeRules(input.rules);
      case 'inherit':
        return this.#step('inherit', 'the failover mode was changed', now);
      case 'stop':
        return this.#step('stop', input.cause, now);
    }
  }

  poll(): GroupOutput | undefined {
    return this.#outputs.length === 0 ? undefined : this.#outputs.shift();
  }

  nextTimeout(): Instant | undefined {
    let next = this.#voice.goodbyes.next;
    if (this.state === 'BACKUP') next = earliest(next, this.#silenceAt());
    if (this.state === 'CLAIMANT') next = earliest(next, this.#patientUntil);
    if (this.state === 'CLAIMANT' || this.state === 'MASTER') {
      next = earliest(next, nextAdvertisement(this.#all));
    }
    if (this.state === 'MASTER') {
      next = earliest(next, this.#lease.renewAt);
      for (const { announcements, raiseAt } of this.#all) {
        next = earliest(next, earliest(announcements.next, raiseAt));
      }
    }
    return next;
  }

  // The lease first: a MASTER that woke too late must not speak.
  #wake(now: Instant): void {
    if (this.state === 'CLAIMANT' && this.#patientUntil !== undefined) {
      // Too late to know whether the old master, or another, has come back meanwhile.
      const giveUpAt = after(this.#patientUntil, this.#rules.lease);
      if (now >= giveUpAt) return this.#step('lapsed', 'woke too late to claim', now);
    }
    if (this.state !== 'MASTER' || this.#findLapsed(now)) return;
    if (now < (this.#lease.renewAt ?? now)) return;
    this.#lease.renewed(now);
    this.#backoff.held(now);
    this.#outputs.push({ kind: 'renew' });
  }

  /** True when the lease must be taken for lapsed. */
  #findLapsed(now: Instant): boolean {
    const span = this.#lease.lapsedFor(now);
    if (span === undefined) return false;
    this.#lapse(`not renewed for ${Math.round(span / 1000)} ms`, now);
    return true;
  }

  #lapse(cause: string, now: Instant): void {
    if (this.state === 'MASTER') this.#backoff.lapsed(now);
    this.#step('lapsed', cause, now);
  }

  /** A lease that came long after it was asked for may be somebody else's by now. */
  #claimed(now: Instant): void {
    const isLate = this.#isClaimOver(now);
    this.#wasLate = isLate;
    this.#askedAt = undefined;
    if (this.state !== 'MASTER' || !isLate) return this.#step('claimed', '', now);
    this.#claimFailed('the lease came too late', now);
  }

  /** The first time it may be chance; again, it is as bad as a refusal, and the peer's turn. */
  #claimLate(now: Instant): void {
    const served = this.#askedAt === undefined;
    this.#claiming = undefined;
    this.#askedAt = undefined;
    if (this.#wasLate) this.#backoff.refused(now);
    this.#wasLate = true;
    const cause = 'the machine stood still before the claim';
    this.#step(served && !this.#known ? 'claim-failed' : 'claim-late', cause, now);
  }

  /** Too late for a place that was free; or, under a lease that is held, for that one. */
  #isClaimOver(now: Instant): boolean {
    const askedAt = this.#askedAt;
    if (askedAt === undefined) return this.#lease.lapsedFor(now) !== undefined;
    return between(askedAt, now) > CLAIM_AT_MOST;
  }

  #claimFailed(text: string, now: Instant): void {
    this.#claiming = undefined;
    this.#backoff.refused(now);
    this.#step('claim-failed', text, now);
  }

  #settle(now: Instant): void {
    this.#settleVacancy(now);
    if (this.state === 'LAPSED' && !this.#bound) {
      const safe = !this.#backoff.forbids(now) && this.#nobodyCanHaveTakenOver(now);
      const cause = safe ? 'woke late, nobody can have taken over' : this.#lapseText(now);
      const unsafe = this.#known ? 'better' : 'unsafe';
      this.#step(safe ? 'safe' : unsafe, cause, now);
    }
    if (this.state === 'BACKUP') this.#settleBackup(now);
    if (this.state === 'CLAIMANT' && now >= (this.#patientUntil ?? now)) {
      this.#step('patience', this.reason, now);
    }
    if (this.state === 'CLAIMANT' || this.state === 'MASTER') this.#settleTimers(now);
    this.#settleChallenges(now);
    if (this.#voice.goodbyes.due(now)) this.#voice.sayGoodbye();
  }

  #settleChallenges(now: Instant): void {
    for (const each of this.#all) {
      if (each.raiseAt !== undefined && isDue(each, now)) return this.#raise(now);
    }
  }

  #lapseText(now: Instant): string {
    return this.#backoff.forbids(now) ? 'lost the lease as soon as it was taken' : 'woke too late';
  }

  #settleVacancy(now: Instant): void {
    const vacancy = this.#vacancy.settle(now);
    if (vacancy === undefined || this.#backoff.forbids(now)) return;
    this.#step('hopeless', vacancy.cause, now, vacancy.membership, vacancy.family);
  }

  #settleBackup(now: Instant): void {
    const at = this.#silenceAt();
    if (at === undefined || at > now) return;
    this.#step('silence', 'nothing heard from a master', now);
  }

  /** When a BACKUP takes over if it hears nothing. */
  #silenceAt(): Instant | undefined {
    if (this.#bound) return undefined;
    const at = silenceOfAll(this.#all);
    return at === undefined ? undefined : instant(Math.max(at, this.#backoff.untilFree ?? at));
  }

  #settleTimers(now: Instant): void {
    for (const membership of this.#all) {
      const at = membership.advertiseAt;
      if (at !== undefined && at <= now) this.#step('interval', '', now, membership);
      if (membership.announcements.due(now)) this.#voice.announce(membership);
    }
  }

  /**
   * A peer times out three intervals after the last advertisement it heard. While our next one is
   * not overdue it can have done so only if it had already missed two.
   */
  #nobodyCanHaveTakenOver(now: Instant): boolean {
    for (const membership of this.#memberships.values()) {
      if (!membership.usable) continue;
      if (membership.advertiseAt === undefined || now >= membership.advertiseAt) return false;
    }
    return true;
  }

  #hear(heard: HeardAdvertisement, now: Instant): void {
    const membership = this.#memberships.get(heard.id);
    if (membership === undefined || !this.#listensTo(membership)) return;
    membership.hear(heard, now);
    if (this.#bound) {
      if (this.state === 'BACKUP') membership.restartTimer(heard.family, now);
      return;
    }
    const mayPreempt = !this.#backoff.forbidsHeld(now) && this.#preemption.permits(heard.pace, now);
    const { state } = this;
    const hearing = { heard, membership, demotion: this.#demotion, state, mayPreempt };
    let event = heardEvent(hearing);
    const isBetter = event === 'better' || event === 'better-master';
    if (event === undefined || (!membership.usable && !isBetter)) return;
    // Where the better one is not heard its good-bye is missed by whoever is BACKUP there.
    if (event === 'better-master' && !this.#isOutbidEverywhere(now)) event = 'better';
    const cause = heardText(event, hearing);
    if (event === 'hopeless' && this.state !== 'MASTER') {
      return this.#vacancy.left(heard, { cause, membership }, { all: this.#all, now });
    }
    if (event !== 'hopeless') {
      this.#vacancy.spoke(membership);
      this.#voice.goodbyes.stop();
    }
    // Whom we challenge on a segment that came back has let go of it.
    else if (membership.raiseAt !== undefined) membership.raiseAt = now;
    this.#step(event, cause, now, membership, heard.family);
  }

  #isOutbidEverywhere(now: Instant): boolean {
    return [...this.#memberships.values()].every((each) => {
      return !each.usable || each.isServedBetter(this.#demotion, now);
    });
  }

  /** A MASTER also hears a better one on a segment that has just come back to it. */
  #listensTo({ usable }: Membership): boolean {
    return usable || this.state === 'MASTER';
  }

  #interfaceChanged(place: string, usable: boolean, now: Instant): void {
    for (const membership of this.#memberships.values()) {
      if (membership.member.interface !== place) continue;
      const returns = usable && membership.observed && !membership.usable;
      this.#place(membership, usable, now);
      if (returns && this.state === 'MASTER' && !this.#bound) this.#challengeOn(membership, now);
    }
    this.#judgeUsable({ usable: `${place} is usable`, not: `no usable interface: ${place}` }, now);
    this.#raise(now);
  }

  /** What CARP had begun is not finished: the peer listens to beats only. */
  #bind(bound: boolean, now: Instant): void {
    if (bound === this.#bound) return;
    this.#bound = bound;
    this.#vacancy.clear();
    if (!bound && this.state === 'BACKUP') this.#restartTimers(now);
    if (!bound) return;
    if (this.state === 'CLAIMANT') this.#step('step-aside', 'the peer speaks by beats', now);
    for (const each of this.#memberships.values()) {
      if (each.raiseAt !== undefined) each.raiseAt = now;
    }
    this.#raise(now);
  }

  #take(because: 'granted' | 'silence', cause: string, now: Instant): void {
    if (this.#backoff.forbids(now)) return;
    this.#step(because, cause, now);
  }

  #prepare(now: Instant): void {
    if (this.state !== 'BACKUP') return;
    const usable = [...this.#memberships.values()].filter((each) => isDue(each, now));
    this.#outputs.push({ kind: 'prepare', members: usable.map(({ member }) => member) });
  }

  #reassert(now: Instant): void {
    if (this.state !== 'MASTER') return;
    this.#voice.present(
      [...this.#memberships.values()].filter((each) => each.raised),
      now,
    );
  }

  #place(membership: Membership, usable: boolean, now: Instant): void {
    membership.observed = true;
    if (membership.usable === usable) return;
    membership.usable = usable;
    if (!usable) membership.lower();
    else if (this.state === 'BACKUP') membership.restartTimers(now);
  }

  #challengeOn(membership: Membership, now: Instant): void {
    membership.raiseAt = this.#patience(now);
    this.#voice.advertise(membership, now);
  }

  /** What has not been looked at may turn out to be usable. */
  #judgeUsable(causes: { readonly usable: string; readonly not: string }, now: Instant): void {
    const all = [...this.#memberships.values()];
    if (all.some(({ usable }) => usable)) this.#step('usable', causes.usable, now);
    else if (all.every(({ observed }) => observed)) this.#step('unusable', causes.not, now);
  }

  /** Under the lease that is held; one that has lapsed must not be revived by a claim. */
  #raise(now: Instant): void {
    if (this.state !== 'MASTER' || this.#claiming !== undefined) return;
    const isNew = [...this.#memberships.values()].some((each) => !each.raised && isDue(each, now));
    if (isNew && !this.#findLapsed(now)) this.#askForLease(now);
  }

  #raiseAnew(now: Instant): void {
    if (this.state !== 'MASTER') return;
    for (const membership of this.#memberships.values()) membership.lower();
    this.#raise(now);
  }

  #demoted(total: number, now: Instant): void {
    if (total === this.#demotion) return;
    const improved = total < this.#demotion;
    if (improved) this.#preemption.improved(now);
    this.#demotion = total;
    // A CLAIMANT that has become better still is right to go on.
    if (improved && this.state === 'CLAIMANT') return;
    this.#step('skew', `demotion is now ${total}`, now);
  }

  /** What is new is raised when the kernel has it, see `applied`. */
  #changeMembers(input: Extract<GroupInput, { kind: 'members' }>, now: Instant): void {
    const wanted = new Set(input.members.map(({ id }) => id));
    for (const id of this.#memberships.keys()) if (!wanted.has(id)) this.#memberships.delete(id);
    for (const member of input.members) {
      const membership = this.#memberships.get(member.id) ?? new Membership(member);
      this.#memberships.set(member.id, membership);
      membership.member = member;
      if (input.changed.has(member.id) && this.state === 'MASTER') membership.lower();
      const usable = input.interfaces.get(member.interface);
      if (usable !== undefined) this.#place(membership, usable, now);
    }
    this.#all = [...this.#memberships.values()];
    const not = 'no VIP left on a usable interface';
    this.#judgeUsable({ usable: 'has a VIP on a usable interface', not }, now);
  }

  #changeRules(rules: GroupRules): void {
    this.#rules = rules;
    this.#lease.length = rules.lease;
    this.#preemption.change(rules.preemption);
  }

  #step(event: Event, cause: string, now: Instant, membership?: Membership, family?: Family): void {
    const cell = TABLE[this.state][event];
    if ('ignore' in cell) return;
    const from = this.state;
    this.state = cell.next;
    if (from !== cell.next) {
      this.since = now;
      this.reason = cause;
      if (cell.next === 'BACKUP') this.#preemption.improved(now);
      this.#outputs.push({ kind: 'transition', from, to: cell.next, event, cause });
    }
    if (from === 'CLAIMANT' && cell.actions.includes('goodbye')) {
      this.#vacancy.withdrew(this.#patience(now));
    }
    for (const action of cell.actions) this.#act(action, now, membership, family);
  }

  #act(action: Action, now: Instant, membership?: Membership, family?: Family): void {
    switch (action) {
      case 'claim':
        return this.#claim(now);
      case 'release':
        return this.#release('release');
      case 'linger':
        return this.#release('linger');
      case 'present':
        return this.#present(now);
      case 'challenge':
        this.#patientUntil = this.#patience(now);
        return this.#voice.advertiseAll(now);
      case 'advertise-all':
        return this.#voice.advertiseAll(now);
      case 'advertise':
        if (membership !== undefined) this.#voice.advertise(membership, now);
        return;
      case 'assert':
        if (membership !== undefined) this.#voice.assert(membership, now);
        return;
      case 'goodbye':
        return this.#voice.goodbye(now);
      case 'restart-timer':
        if (membership !== undefined && family !== undefined) membership.restartTimer(family, now);
        return;
      case 'restart-timers':
        return this.#restartTimers(now);
      case 'stop-timers':
        for (const each of this.#memberships.values()) each.stopTimers();
        return;
    }
  }

  /** When who is challenged now has answered, or lost its lease. */
  #patience(now: Instant): Instant {
    return after(after(now, this.#rules.lease), PATIENCE);
  }

  #claim(now: Instant): void {
    for (const each of this.#memberships.values()) each.lower();
    this.#lease.renewed(now);
    this.#askedAt = now;
    this.#backoff.claimed(now);
    this.#voice.goodbyes.stop();
    this.#askForLease(now);
  }

  #askForLease(now: Instant): void {
    this.#claiming = [...this.#memberships.values()].filter((each) => isDue(each, now));
    this.#outputs.push({ kind: 'claim', members: this.#claiming.map(({ member }) => member) });
  }

  #release(kind: 'release' | 'linger'): void {
    for (const each of this.#memberships.values()) each.lower();
    this.#lease.released();
    this.#claiming = undefined;
    this.#outputs.push({ kind });
  }

  #present(now: Instant): void {
    this.#lease.renewed(now);
    const raised = (this.#claiming ?? []).filter((each) => each.usable && !each.raised);
    this.#claiming = undefined;
    for (const membership of raised) {
      membership.raised = true;
      membership.raiseAt = undefined;
    }
    this.#voice.present(raised, now);
  }

  #restartTimers(now: Instant): void {
    for (const each of this.#memberships.values()) {
      each.stopTimers();
      if (each.usable) each.restartTimers(now);
    }
  }
}

/** May be raised now: the segment is there, and whoever served it meanwhile must have let go. */
function isDue({ usable, raiseAt }: Membership, now: Instant): boolean {
  return usable && (raiseAt === undefined || raiseAt <= now);
}
