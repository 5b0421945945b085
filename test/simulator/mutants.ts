/**
 * Planted faults: small changes of the core, each of which would hurt somebody, and each of which
 * the simulator has to find. A change that does not fit the source any more must be mended here.
 */
export interface Mutant {
  readonly name: string;
  /** In words: what would happen to whom. */
  readonly harm: string;
  /** Below firmware/. */
  readonly file: string;
  /** Must occur exactly once. */
  readonly search: string;
  readonly replace: string;
}

/** Tells the one place meant from others like it. */
const END_OF_SILENCE = '\n  }\n  return last;\n}\n\nexport function next';

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'lease-outlives-dead-time',
    harm: 'a node that hangs still serves when the other one has taken over',
    file: 'core/configuration/lease-length.ts',
    search: 'return microseconds(Math.min(LONGEST_LEASE, announced, ...halves));',
    replace: 'return microseconds(4 * Math.min(announced, ...halves));',
  },
  {
    name: 'lease-longer-than-told',
    harm: 'the kernel lets a node that hangs serve for longer than its peer waits',
    file: 'core/addressing/desired-addresses.ts',
    search: 'leaseMilliseconds: Math.floor(toMilliseconds(lease))',
    replace: 'leaseMilliseconds: Math.floor(2 * toMilliseconds(lease))',
  },
  {
    name: 'silence-of-one-segment',
    harm: 'a broken switch is taken for a dead node',
    file: 'core/election/membership.ts',
    search: `at > last) last = at;${END_OF_SILENCE}`,
    replace: `at < last) last = at;${END_OF_SILENCE}`,
  },
  {
    name: 'goodbye-before-release',
    harm: 'the peer takes over while this node still serves',
    file: 'core/election/states.ts',
    search: "const LEAVE: Action[] = ['release', 'goodbye', 'restart-timers'];",
    replace: "const LEAVE: Action[] = ['goodbye', 'restart-timers'];",
  },
  {
    name: 'claim-without-patience',
    harm: 'a preempting node serves before the old master has let go',
    file: 'core/election/states.ts',
    search: "preemptible: to('CLAIMANT', 'challenge'),",
    replace: "preemptible: to('MASTER', 'claim'),",
  },
  {
    name: 'lapsed-goes-on',
    harm: 'a node that woke late serves again without asking who has taken over',
    file: 'core/election/states.ts',
    search: "lapsed: to('LAPSED'),",
    replace: "lapsed: to('MASTER', 'claim'),",
  },
  {
    name: 'demotion-for-ever',
    harm: 'a node that was late once is never trusted again',
    file: 'core/election/demotion.ts',
    search: 'expires === undefined || expires > now',
    replace: 'expires === undefined || expires > 0',
  },
  {
    name: 'maintenance-forgotten',
    harm: 'a node that restarts during maintenance takes the VIPs back',
    file: 'core/node/failover-node.ts',
    search: "if (maintenance) this.#demote('maintenance', 'operator', now);",
    replace: '',
  },
  {
    name: 'takeover-without-asking',
    harm: 'three lost beats are a takeover, though the peer lives and serves',
    file: 'core/peer/liveness.ts',
    search: "this.verdict = 'suspect';\n      return this.#ask(1, now);",
    replace: "this.verdict = 'dead';\n      return 'died';",
  },
  {
    name: 'takeover-before-dead-time',
    harm: 'the other one takes over while the lease of the silent one still stands',
    file: 'core/peer/liveness.ts',
    search: 'if (now < this.#dueAt()) return undefined;',
    replace: '',
  },
  {
    name: 'grant-without-letting-go',
    harm: 'the claimer serves beside the one that granted',
    file: 'core/peer/accord.ts',
    search: 'if (!served) {',
    replace: 'if (served || !served) {',
  },
  {
    name: 'old-grant-accepted',
    harm: 'a claimer that was stopped takes what has long been promised to nobody',
    file: 'core/peer/accord.ts',
    search: 'if (now > after(claim.at, CLAIM_VALID)) return undefined;',
    replace: '',
  },
  {
    name: 'promise-forgotten',
    harm: 'the granter takes the VIPs back while the claimer is taking them',
    file: 'core/peer/accord.ts',
    search: 'instant(now + CLAIM_VALID + CLAIM_AT_MOST + lease + PROMISE_MARGIN)',
    replace: 'now',
  },
  {
    name: 'both-are-better',
    harm: 'two masters that meet both stay',
    file: 'core/peer/standing.ts',
    search: 'if (own.preference !== peer.preference) return own.preference < peer.preference;',
    replace: 'if (own.preference !== peer.preference) return true;',
  },
  {
    name: 'advertisements-move-the-bound',
    harm: 'a replayed or forged advertisement moves the VIPs',
    file: 'core/election/failover-group.ts',
    search: "if (this.#bound) {\n      if (this.state === 'BACKUP')",
    replace: "if (this.#bound && heard === undefined) {\n      if (this.state === 'BACKUP')",
  },
];
