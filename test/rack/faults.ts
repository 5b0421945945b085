// What happens to gateways, done on purpose. Each fault resolves when it is complete; its instant
// is the return value, in microseconds of CLOCK_MONOTONIC.
import { monotonicUs } from './monotonic.ts';
import type { RackNode } from './node.ts';
import type { Rack } from './rack.ts';
import { type NodeLetter, otherLetter, type Segment } from './rack-plan.ts';
import type { Port } from './switches.ts';

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
    await this.rack.switches.silence(node.ports);
    const at = monotonicUs();
    node.namespace.signalAll('SIGKILL');
    await this.rack.switches.pull(...node.ports, this.syncPort(otherLetter(letter)));
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

  /** Pulls one cable of a node. The sync cable has two ends and both lose their carrier. */
  async pull(letter: NodeLetter, segment: Segment): Promise<number> {
    await this.rack.switches.pull(...this.cable(letter, segment));
    return monotonicUs();
  }

  async plug(letter: NodeLetter, segment: Segment): Promise<number> {
    await this.rack.switches.plug(...this.cable(letter, segment));
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

  private cable(letter: NodeLetter, segment: Segment): Port[] {
    const here = this.node(letter).port(segment);
    return segment === 'sync' ? [here, this.syncPort(otherLetter(letter))] : [here];
  }
}
