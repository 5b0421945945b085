// The daemons of both nodes, and the question everything starts with: is the pair settled, and
// who holds the VIPs? The answer needs both sources: what the daemons say and who answers ARP.
import type { ArpWatch } from './arp-watch.ts';
import { eventually } from './eventually.ts';
import type { GroupState, PairKind, Speaker } from './pair-kind.ts';
import type { Rack } from './rack.ts';
import { type NodeLetter, otherLetter, VIP_SEGMENTS } from './rack-plan.ts';

export class Pair<S extends Speaker = Speaker> {
  readonly kinds: Readonly<Record<NodeLetter, PairKind<S>>>;
  readonly speakers: Record<NodeLetter, S>;
  private readonly rack: Rack;
  private readonly watch: ArpWatch;

  private constructor(
    rack: Rack,
    watch: ArpWatch,
    kinds: Record<NodeLetter, PairKind<S>>,
    speakers: Record<NodeLetter, S>,
  ) {
    this.rack = rack;
    this.watch = watch;
    this.kinds = kinds;
    this.speakers = speakers;
  }

  /** Starts the primary, then the secondary once the primary holds the VIPs. */
  static async start<S extends Speaker>(
    rack: Rack,
    watch: ArpWatch,
    kind: PairKind<S>,
    secondaryKind = kind,
  ): Promise<Pair<S>> {
    const a = await kind.start(rack.nodes.a);
    await Promise.all(VIP_SEGMENTS.map((segment) => watch.untilOwner(segment, 'a')));
    const b = await secondaryKind.start(rack.nodes.b);
    const pair = new Pair<S>(rack, watch, { a: kind, b: secondaryKind }, { a, b });
    await pair.settled();
    return pair;
  }

  get name(): string {
    const { a, b } = this.kinds;
    return a === b ? a.name : `${a.name} + ${b.name}`;
  }

  /** Who holds the VIPs whenever both are well; undefined where whoever has them keeps them. */
  get home(): NodeLetter | undefined {
    return this.kinds.a.preempts ? 'a' : undefined;
  }

  /** Starts a node's daemons again, after a boot or a crash. */
  async restart(letter: NodeLetter): Promise<void> {
    this.speakers[letter] = await this.kinds[letter].start(this.rack.nodes[letter]);
  }

  /**
   * The node that holds every VIP while the other stands by, once that is so. A pair that gives its
   * VIPs back to the primary is only settled when it has; `master` asks for another node.
   */
  settled(master = this.home, patienceMs = 30_000): Promise<NodeLetter> {
    const history = new History();
    const ask = async () => {
      const states = { a: await this.said('a'), b: await this.said('b') };
      const owners = VIP_SEGMENTS.map((segment) => this.watch.owner(segment)?.station ?? '-');
      history.note(`a ${states.a}, b ${states.b}, answered by ${owners.join(' ')}`);
      return (['a', 'b'] as const).find(
        (letter) =>
          (master ?? letter) === letter &&
          states[letter] === 'MASTER' &&
          states[otherLetter(letter)] === 'BACKUP' &&
          VIP_SEGMENTS.every((segment) => this.watch.owner(segment)?.station === letter),
      );
    };
    const options = { patienceMs, everyMs: 100, seen: () => history.told };
    return eventually(`the ${this.name} pair is settled`, ask, options);
  }

  /** Once both nodes could serve equally well, so that a fault meets a pair that is whole. */
  async fit(): Promise<void> {
    let seen = '';
    const ask = async () => {
      const { a, b } = this.speakers;
      const flaws = { a: await a.flaws(), b: await b.flaws() };
      seen = JSON.stringify(flaws);
      return flaws.a.length + flaws.b.length === 0 ? true : undefined;
    };
    await eventually(`the ${this.name} pair is fit`, ask, { everyMs: 100, seen: () => seen });
  }

  /** The one state of all its groups, `mixed` when they differ, `off` when it does not answer. */
  async said(letter: NodeLetter): Promise<GroupState | 'mixed' | 'off'> {
    if (this.rack.nodes[letter].namespace.pids().length === 0) return 'off';
    const states = await this.speakers[letter].states().catch(() => undefined);
    if (states === undefined) return 'off';
    const [first, ...rest] = Object.values(states);
    if (first === undefined) return 'off';
    return rest.every((state) => state === first) ? first : 'mixed';
  }
}

/** The last changes of what was seen, and when: one look at the end does not tell who failed. */
class History {
  private readonly startedAt = performance.now();
  private readonly changes: { readonly what: string; readonly atMs: number }[] = [];

  note(what: string): void {
    if (this.changes.at(-1)?.what === what) return;
    this.changes.push({ what, atMs: Math.round(performance.now() - this.startedAt) });
    if (this.changes.length > 12) this.changes.shift();
  }

  get told(): string {
    return this.changes.map(({ what, atMs }) => `${atMs} ms: ${what}`).join('; ');
  }
}
