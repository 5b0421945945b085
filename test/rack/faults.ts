// What happens to gateways, done on purpose. Each fault resolves when it is complete; its instant
// is the return value, in microseconds of CLOCK_MONOTONIC.
import { setTimeout as pause } from 'node:timers/promises';
import { BusyLoops } from './busy-loops.ts';
import { monotonicUs } from './monotonic.ts';
import type { RackNode } from './node.ts';
import type { Rack } from './rack.ts';
import { type NodeLetter, otherLetter, type Segment } from './rack-plan.ts';
import type { Blocked, Port, Way } from './switches.ts';

/** From which node to which a segment is broken. */
export type Direction = 'both ways' | 'a to b' | 'b to a';

export class Faults {
  private readonly rack: Rack;

  constructor(rack: Rack) {
    this.rack = rack;
  }

  /**
   * The plug is pulled: one nftables transaction silences the node everywhere, so that a dying
   * daemon cannot say good-bye, then everything in it is killed and its links lose their carrier.
   */
  async powerLoss(letter: NodeLetter): Promise<number> {
    const node = this.node(letter);
    const inside = node.namespace.pids(); // looked up beforehand: it takes milliseconds
    await this.rack.switches.silence(node.ports);
    const at = monotonicUs();
    const unplugged = this.rack.switches.pull(this.syncPort(otherLetter(letter)), ...node.ports);
    node.namespace.signalAll('SIGKILL', inside);
    await unplugged;
    node.namespace.signalAll('SIGKILL'); // and what they had started meanwhile
    return at;
  }

  /** The node freezes as a whole: it says nothing and forwards nothing, its carriers stay. */
  async freeze(letter: NodeLetter): Promise<number> {
    const node = this.node(letter);
    await this.rack.switches.silence(node.ports);
    const at = monotonicUs();
    node.namespace.signalAll('SIGKILL');
    return at;
  }

  /** Ends a power loss or a freeze: the node boots with an empty kernel and no daemon. */
  async boot(letter: NodeLetter): Promise<void> {
    const node = this.node(letter);
    await node.reboot();
    await this.rack.switches.unsilence(node.ports);
    await this.rack.switches.plug(this.syncPort(otherLetter(letter)));
  }

  /** The daemons die, the kernel lives on and keeps forwarding and answering. */
  crash(letter: NodeLetter): number {
    this.node(letter).namespace.signalAll('SIGKILL');
    return monotonicUs();
  }

  /** The daemons get no processor time any more. */
  hang(letter: NodeLetter): number {
    this.node(letter).namespace.signalAll('SIGSTOP');
    return monotonicUs();
  }

  wake(letter: NodeLetter): number {
    this.node(letter).namespace.signalAll('SIGCONT');
    return monotonicUs();
  }

  /** The daemons are held for a span, as by a hypervisor that was busy elsewhere, and go on. */
  async stall(letter: NodeLetter, spanMs: number): Promise<void> {
    this.hang(letter);
    await pause(spanMs);
    this.wake(letter);
  }

  /** Programs that take what processor time they get, until they are stopped. */
  saturate(loops: number): BusyLoops {
    return BusyLoops.start(this.rack.switches.namespace, loops);
  }

  /** Pulls cables of a node at once. The sync cable has two ends and both lose their carrier. */
  async pull(letter: NodeLetter, ...segments: Segment[]): Promise<number> {
    await this.rack.switches.pull(...this.cables(letter, segments));
    return monotonicUs();
  }

  async plug(letter: NodeLetter, ...segments: Segment[]): Promise<number> {
    await this.rack.switches.plug(...this.cables(letter, segments));
    return monotonicUs();
  }

  /**
   * The switch of a segment no longer passes frames between the nodes, or only CARP's; everybody
   * else still reaches both, and all carriers stay.
   */
  async split(
    segment: Segment,
    what: Blocked = 'all',
    direction: Direction = 'both ways',
  ): Promise<number> {
    await this.rack.switches.block(this.ways(segment, direction), what);
    return monotonicUs();
  }

  async rejoin(segment: Segment): Promise<number> {
    await this.rack.switches.unblock(this.ways(segment, 'both ways'));
    return monotonicUs();
  }

  /** Loses frames at random, each direction by itself. 0 ends it. */
  async lose(letter: NodeLetter, segment: Segment, percent: number): Promise<void> {
    await this.rack.switches.lose(this.node(letter).port(segment), Math.round(percent * 10));
  }

  /** Somebody deletes an interface behind the daemon's back. */
  async deleteInterface(letter: NodeLetter, device: string): Promise<void> {
    await this.node(letter).namespace.ip(`link del ${device}`);
  }

  /** The port disappears from the machine (a USB adapter, a driver reset). */
  async vanish(letter: NodeLetter, segment: Segment): Promise<number> {
    await this.node(letter).disconnect(segment);
    return monotonicUs();
  }

  async comeBack(letter: NodeLetter, segment: Segment): Promise<number> {
    await this.node(letter).connect(segment);
    return monotonicUs();
  }

  private node(letter: NodeLetter): RackNode {
    return this.rack.nodes[letter];
  }

  private syncPort(letter: NodeLetter): Port {
    return this.node(letter).port('sync');
  }

  private cables(letter: NodeLetter, segments: readonly Segment[]): Port[] {
    const other = segments.includes('sync') ? [this.syncPort(otherLetter(letter))] : [];
    return [...segments.map((segment) => this.node(letter).port(segment)), ...other];
  }

  private ways(segment: Segment, direction: Direction): Way[] {
    const [a, b] = [this.node('a').port(segment), this.node('b').port(segment)];
    const there = { from: a, to: b };
    const back = { from: b, to: a };
    return direction === 'both ways' ? [there, back] : [direction === 'a to b' ? there : back];
  }
}
