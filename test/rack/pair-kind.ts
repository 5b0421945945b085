// What the rack can put on a node. A kind knows how to start its daemons on one node; two nodes may
// run different kinds.
import type { RackNode } from './node.ts';
import type { VipSegment } from './rack-plan.ts';

export type GroupState = 'INIT' | 'BACKUP' | 'MASTER';

export interface PairKind<S extends Speaker = Speaker> {
  readonly name: string;
  /** Whether a healthy primary takes its VIPs back from the secondary. */
  readonly preempts: boolean;
  /** Resolves when the daemons run and speak for themselves, whoever is master. */
  start(node: RackNode): Promise<S>;
}

/** The daemons of one kind on one node. */
export interface Speaker {
  readonly node: RackNode;
  /** What the daemons say their state is. Undefined where they do not say. */
  states(): Promise<Partial<Record<VipSegment, GroupState>>>;
  /** Why it could not serve as well as it ever will; none where the daemons do not say. */
  flaws(): Promise<readonly string[]>;
  /** How often the daemons took over the LAN VIP since they were started, as they count. */
  promotions(): Promise<number>;
  /** Leaves on purpose, as an operator would before maintenance. */
  handover(): Promise<void>;
  /** Ends what `handover` began. */
  release(): Promise<void>;
  /** A clean end. */
  stop(): Promise<void>;
  /** The last lines of the daemons' logs. */
  log(): string[];
}
