/** A failover group on a stage: one or two VHIDs, fed by hand, drained after each input. */
import { FailoverGroup } from '../../../firmware/core/election/failover-group.ts';
import type {
  GroupInput,
  GroupOutput,
  GroupRules,
} from '../../../firmware/core/election/group-io.ts';
import type { Family, Member } from '../../../firmware/core/election/membership.ts';
import type { State } from '../../../firmware/core/election/states.ts';
import { type Instant, instant, milliseconds, seconds } from '../../../firmware/core/time.ts';

export const RULES: GroupRules = {
  name: 'node',
  group: 1,
  lease: milliseconds(45),
  preemption: { enabled: true, delay: seconds(10) },
};

export const LAN: Member = {
  id: 'eth1/1',
  name: 'lan',
  interface: 'lan',
  vhid: 1,
  families: [4],
  pace: { advbase: 1, advskew: 100 },
  peerPace: { advbase: 1, advskew: 0 },
  ties: 'yoke',
};

export const WAN: Member = { ...LAN, id: 'eth0/200', name: 'wan', interface: 'wan', vhid: 200 };

const SOURCES: Readonly<Record<Family, string>> = { 4: '192.0.2.3', 6: 'fe80::3' };
const IDS: Readonly<Record<string, string>> = { lan: LAN.id, wan: WAN.id };

export const members = (
  list: readonly Member[],
  changed: readonly string[] = [],
  interfaces: ReadonlyMap<string, boolean> = new Map(),
): GroupInput => ({ kind: 'members', members: list, changed: new Set(changed), interfaces });

export class GroupStage {
  readonly group: FailoverGroup;
  now: Instant;

  /** What the kernel says to a claim; undefined: nothing yet. */
  verdict: GroupInput | undefined = { kind: 'claimed' };

  constructor(list: readonly Member[] = [LAN], rules: GroupRules = RULES) {
    this.now = instant(1_000_000);
    this.group = new FailoverGroup(rules, this.now);
    this.feed(members(list));
  }

  /** Hands one input in and returns what came of it, with what came of a claim. */
  feed(input: GroupInput): GroupOutput[] {
    this.group.handle(input, this.now);
    const outputs: GroupOutput[] = [];
    for (let each = this.group.poll(); each !== undefined; each = this.group.poll())
      outputs.push(each);
    const isClaimed = outputs.some(({ kind }) => kind === 'claim');
    if (!isClaimed || this.verdict === undefined) return outputs;
    return [...outputs, ...this.feed(this.verdict)];
  }

  /** As `feed`, in words: `advertise lan 1/100`. */
  tell(input: GroupInput): string[] {
    return this.feed(input).map(inWords);
  }

  /** A whole turn of the loop. */
  turn(...inputs: GroupInput[]): string[] {
    const all: GroupInput[] = [{ kind: 'wake' }, ...inputs, { kind: 'settled' }];
    return all.flatMap((input) => this.tell(input));
  }

  wait(span: number): this {
    this.now = instant(this.now + span);
    return this;
  }

  usable(place: string, usable = true): GroupInput {
    return { kind: 'interface', interface: place, usable };
  }

  hear(
    pace: string,
    { vip = 'lan', source = '192.0.2.2', family = 4 as Family, serving = false } = {},
  ): GroupInput {
    const [advbase = 0, advskew = 0] = pace.split('/').map(Number);
    const heard = { id: IDS[vip] ?? vip, family, source, ownSource: SOURCES[family], serving };
    return { kind: 'advertisement', heard: { ...heard, pace: { advbase, advskew } } };
  }

  /** Brings the group into a state, as it comes there in life. */
  reach(state: State): this {
    if (state === 'INIT') return this;
    for (const { member } of this.group.memberships.values())
      this.turn(this.usable(member.interface));
    if (state === 'BACKUP') return this;
    if (state === 'CLAIMANT') {
      this.turn(this.hear('1/240'));
      return this;
    }
    this.turn(this.hear('255/255'));
    if (state === 'LAPSED') {
      // Not so soon after the claim that the next one would be in vain too.
      this.wait(1_100_000);
      this.tell({ kind: 'wake' });
    }
    return this;
  }
}

function inWords(output: GroupOutput): string {
  switch (output.kind) {
    case 'advertise':
      return `advertise ${output.member.name} ${output.pace.advbase}/${output.pace.advskew}`;
    case 'announce':
      return `announce ${output.member.name}`;
    case 'transition':
      return `${output.from} -> ${output.to}`;
    default:
      return output.kind;
  }
}
