/**
 * The states of a failover group and every transition between them, in one table.
 *
 * A failover group is the set of VHIDs that move together: all of the node (`failover: node`) or a
 * single one (`failover: vip`). It is in one of five states, the last two of which pass within
 * milliseconds and are BACKUP to everybody else:
 *
 *   INIT      cannot serve: no usable interface, or the node is not running an election.
 *   BACKUP    listens. Every VHID has a master-down timer that each advertisement restarts.
 *   MASTER    has asked for the lease; once the kernel has given it and raised the VIPs
 *             (`claimed`), answers for them, advertises and announces them.
 *   CLAIMANT  is better than the living MASTER and has told it so by advertising, but does not
 *             serve yet: it waits for that one's good-bye, at the longest until its lease must
 *             have lapsed.
 *   LAPSED    was MASTER, but woke so late that the kernel may have let the lease lapse. It says
 *             nothing and serves nothing until what arrived meanwhile has been read; then it is
 *             either safe to go on (`safe`) or it yields (`unsafe`).
 *
 * The classical rules are CARP's (carp(4), and ip_carp.c of FreeBSD and OpenBSD). Ours beyond them:
 *
 *   - a MASTER that loses a link, goes into maintenance or meets a better one says good-bye, so
 *     that nobody waits for a timeout, and it releases the VIPs before it says so;
 *   - a preempting node claims only when the old MASTER has let go (CLAIMANT), so that at no moment
 *     two nodes answer for an address;
 *   - a MASTER whose link comes back challenges there first and raises its VIPs on it afterwards,
 *     for another one may serve that segment;
 *   - a takeover on silence needs silence on every usable segment of the group;
 *   - between two nodes that hear each other's beats the place changes hands by grant only
 *     (core/peer/accord.ts): the one lets go, then the other claims.
 *
 * Nothing in this file knows time or addresses: failover-group.ts finds out which event happened,
 * this table says what it means. Every cell is written; `ignore` says why nothing happens.
 */

export type State = 'INIT' | 'BACKUP' | 'CLAIMANT' | 'MASTER' | 'LAPSED';

/** The states that other nodes and people know. */
export type PublicState = 'INIT' | 'BACKUP' | 'MASTER';

export type Event =
  /** The first interface of the group became usable (link, real address). */
  | 'usable'
  /** The last usable interface of the group went away. */
  | 'unusable'
  /** Advertisement of a node that should be MASTER rather than we, or that wins a tie. */
  | 'better'
  /** The same of one that is MASTER already: it need not be told that we let go. */
  | 'better-master'
  /** Advertisement of an equal that loses the tie. */
  | 'equal'
  /** Advertisement of a worse node, and we may not preempt it (now). */
  | 'worse'
  /** Advertisement of a worse node that we may preempt. */
  | 'preemptible'
  /** Good-bye, or an interval so long that we would time out anyway; nobody has spoken since. */
  | 'hopeless'
  /** The master-down timers of all usable VHIDs have lapsed. */
  | 'silence'
  /** A VHID's advertisement is due. */
  | 'interval'
  /** Our effective skew changed. */
  | 'skew'
  /** This node must not be MASTER any longer: link lost, maintenance. */
  | 'step-aside'
  /** The process stops cleanly. */
  | 'stop'
  /** A CLAIMANT has waited for as long as the old MASTER can hold its lease. */
  | 'patience'
  /** The lease ran out before it was renewed; a CLAIMANT woke too late to go on. */
  | 'lapsed'
  /** After a lapse, everything read: nobody can have taken over yet. */
  | 'safe'
  /** After a lapse, everything read: somebody may have taken over. */
  | 'unsafe'
  /** The kernel has given the lease and raised the VIPs. */
  | 'claimed'
  /** The kernel would not give the lease or raise the VIPs. */
  | 'claim-failed'
  /** The machine stood still between the decision and the claim: who claims now, is not known. */
  | 'claim-late'
  /** Continues groups that are MASTER: the failover mode was changed. */
  | 'inherit'
  /** The peer has let go and granted us the place. */
  | 'granted'
  /** The peer takes over and has been told to wait until we have let go. */
  | 'handed-over';

export type Action =
  /** Take the lease, raise the VIPs. */
  | 'claim'
  /** Give the lease back, lower the VIPs. */
  | 'release'
  /** Give the lease back, but go on forwarding what is under way. */
  | 'linger'
  /**
   * Of each VHID that was raised: advertise it and start its interval timer; gratuitous ARP and
   * unsolicited NA, now and repeated.
   */
  | 'present'
  /** Send an advertisement for each VHID now. */
  | 'advertise-all'
  /** Send the advertisement that is due. */
  | 'advertise'
  /**
   * Answer another master or a leaver: advertise and announce. A good-bye of ours comes from the
   * address of the network card, one of others from the virtual MAC, and then the switch sends our
   * traffic to the leaver: so the first few are answered at once, and more at a limited rate, as
   * anybody can replay them.
   */
  | 'assert'
  /** Advertise 255/255 on each usable segment, repeated. */
  | 'goodbye'
  /** Restart the master-down timer of the VHID and family the advertisement came for. */
  | 'restart-timer'
  /** Restart all master-down timers. */
  | 'restart-timers'
  /** Tell the living MASTER that we are better, and give it time to let go. */
  | 'challenge'
  /** No timers: nothing is expected in INIT. */
  | 'stop-timers';

export interface Transition {
  readonly next: State;
  readonly actions: readonly Action[];
}

/** A cell in which nothing happens, and why that is right. */
export interface Ignored {
  readonly ignore: string;
}

export type Cell = Transition | Ignored;

const to = (next: State, ...actions: Action[]): Transition => ({ next, actions });
const ignore = (why: string): Ignored => ({ ignore: why });

const YIELD: Action[] = ['release', 'restart-timers'];
const WITHDRAW: Action[] = ['goodbye', 'restart-timers'];
const LEAVE: Action[] = ['release', 'goodbye', 'restart-timers'];

const NOT_LISTENING = 'a node in INIT counts advertisements but takes no part';
const NO_TIMERS = 'no timer runs in this state';
const NO_LEASE = 'no lease is held in this state';
const NOT_SPEAKING = 'only a MASTER advertises';
const NO_CLAIM = 'nothing was claimed by beats';
const SERVES_NOTHING = 'serves nothing that it could hand over';
const NOT_NEW = 'only a group that has just begun continues another one';

/** What a state is to those outside: only a MASTER serves. */
export function publicState(state: State): PublicState {
  return state === 'CLAIMANT' || state === 'LAPSED' ? 'BACKUP' : state;
}

export const TABLE: Readonly<Record<State, Readonly<Record<Event, Cell>>>> = {
  INIT: {
    usable: to('BACKUP', 'restart-timers'),
    unusable: ignore('already unusable'),
    better: ignore(NOT_LISTENING),
    'better-master': ignore(NOT_LISTENING),
    equal: ignore(NOT_LISTENING),
    worse: ignore(NOT_LISTENING),
    preemptible: ignore(NOT_LISTENING),
    hopeless: ignore(NOT_LISTENING),
    silence: ignore(NO_TIMERS),
    interval: ignore(NOT_SPEAKING),
    skew: ignore(NOT_SPEAKING),
    'step-aside': ignore('serves nothing that it could leave'),
    stop: ignore('nothing to leave'),
    patience: ignore(NO_TIMERS),
    lapsed: ignore(NO_LEASE),
    safe: ignore(NO_LEASE),
    unsafe: ignore(NO_LEASE),
    claimed: ignore(NO_LEASE),
    'claim-failed': ignore(NO_LEASE),
    'claim-late': ignore(NO_LEASE),
    inherit: ignore('cannot serve'),
    granted: ignore('cannot serve'),
    'handed-over': ignore(SERVES_NOTHING),
  },
  BACKUP: {
    usable: ignore('already usable; the new segment got its own timer'),
    unusable: to('INIT', 'stop-timers'),
    better: to('BACKUP', 'restart-timer'),
    'better-master': to('BACKUP', 'restart-timer'),
    equal: to('BACKUP', 'restart-timer'),
    worse: to('BACKUP', 'restart-timer'),
    preemptible: to('CLAIMANT', 'challenge'),
    hopeless: to('MASTER', 'claim'),
    silence: to('MASTER', 'claim'),
    interval: ignore(NOT_SPEAKING),
    skew: ignore(NOT_SPEAKING),
    'step-aside': ignore('serves nothing that it could leave'),
    stop: to('INIT', 'stop-timers'),
    patience: ignore(NO_TIMERS),
    lapsed: ignore(NO_LEASE),
    safe: ignore(NO_LEASE),
    unsafe: ignore(NO_LEASE),
    claimed: ignore(NO_LEASE),
    'claim-failed': ignore(NO_LEASE),
    'claim-late': ignore(NO_LEASE),
    inherit: to('MASTER', 'claim'),
    granted: to('MASTER', 'claim'),
    'handed-over': ignore(SERVES_NOTHING),
  },
  CLAIMANT: {
    usable: ignore('already usable; the new segment got its own timer'),
    unusable: to('INIT', 'stop-timers'),
    better: to('BACKUP', 'restart-timers'),
    'better-master': to('BACKUP', 'restart-timers'),
    equal: to('BACKUP', 'restart-timers'),
    worse: ignore('the old master has not heard us yet'),
    preemptible: ignore('the old master has not heard us yet'),
    hopeless: to('MASTER', 'claim'),
    silence: ignore(NO_TIMERS),
    interval: to('CLAIMANT', 'advertise'),
    skew: to('BACKUP', ...WITHDRAW),
    'step-aside': to('BACKUP', ...WITHDRAW),
    stop: to('INIT', 'goodbye', 'stop-timers'),
    patience: to('MASTER', 'claim'),
    lapsed: to('BACKUP', ...WITHDRAW),
    safe: ignore(NO_LEASE),
    unsafe: ignore(NO_LEASE),
    claimed: ignore(NO_LEASE),
    'claim-failed': ignore(NO_LEASE),
    'claim-late': ignore(NO_LEASE),
    inherit: ignore(NOT_NEW),
    granted: to('MASTER', 'claim'),
    'handed-over': ignore(SERVES_NOTHING),
  },
  MASTER: {
    usable: ignore('already usable; the returned segment is raised by itself'),
    unusable: to('INIT', 'release', 'stop-timers'),
    better: to('BACKUP', ...LEAVE),
    // Among three nodes a good-bye would call the third one in.
    'better-master': to('BACKUP', ...YIELD),
    equal: to('MASTER', 'assert'),
    worse: to('MASTER', 'assert'),
    preemptible: to('MASTER', 'assert'),
    hopeless: to('MASTER', 'assert'),
    silence: ignore(NO_TIMERS),
    interval: to('MASTER', 'advertise'),
    skew: to('MASTER', 'advertise-all'),
    'step-aside': to('BACKUP', ...LEAVE),
    stop: to('INIT', 'release', 'goodbye', 'stop-timers'),
    patience: ignore(NO_TIMERS),
    lapsed: to('LAPSED'),
    safe: ignore('the lease is held'),
    unsafe: ignore('the lease is held'),
    claimed: to('MASTER', 'present'),
    'claim-failed': to('BACKUP', ...LEAVE),
    // Nothing was said that a good-bye would take back; what has arrived meanwhile is read first.
    'claim-late': to('BACKUP', ...YIELD),
    inherit: ignore(NOT_NEW),
    granted: ignore(NO_CLAIM),
    'handed-over': to('BACKUP', 'linger', 'restart-timers'),
  },
  LAPSED: {
    usable: ignore('the verdict comes first'),
    unusable: to('INIT', 'release', 'stop-timers'),
    better: to('BACKUP', ...YIELD),
    'better-master': to('BACKUP', ...YIELD),
    equal: to('BACKUP', ...YIELD),
    worse: to('BACKUP', ...YIELD),
    preemptible: to('BACKUP', ...YIELD),
    hopeless: to('MASTER', 'claim'),
    silence: ignore(NO_TIMERS),
    interval: ignore('a node without a lease does not speak'),
    skew: ignore('a node without a lease does not speak'),
    'step-aside': to('BACKUP', ...LEAVE),
    stop: to('INIT', 'release', 'goodbye', 'stop-timers'),
    patience: ignore(NO_TIMERS),
    lapsed: ignore('already known'),
    safe: to('MASTER', 'claim'),
    unsafe: to('BACKUP', ...LEAVE),
    claimed: ignore('the verdict comes first'),
    'claim-failed': ignore(NO_LEASE),
    'claim-late': ignore(NO_LEASE),
    inherit: ignore(NOT_NEW),
    granted: to('MASTER', 'claim'),
    'handed-over': to('BACKUP', 'linger', 'restart-timers'),
  },
};
