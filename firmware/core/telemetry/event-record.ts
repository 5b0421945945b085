/**
 * One thing that happened on a node, as it is logged, streamed and shown.
 */

export type EventRecordKind =
  /** A failover group changed its state. */
  | 'transition'
  /** A demotion was raised, cleared or ran out. */
  | 'demotion'
  | 'alert'
  | 'alert-cleared'
  | 'link'
  | 'config'
  | 'maintenance'
  | 'target'
  | 'start'
  | 'stop'
  /** The peer came or went, by its beats. */
  | 'peer'
  /** Two masters met. */
  | 'overlap'
  /** The lease lapsed, was lost or could not be taken. */
  | 'lease';

export interface EventRecord {
  /** Counts up from 1 over the life of the state directory, restarts included. */
  readonly id: number;
  /** Wall clock, ISO 8601 in UTC. */
  readonly at: string;
  readonly kind: EventRecordKind;
  /** One line for people: what happened and why. */
  readonly text: string;
  /** Name of the node. */
  readonly node: string;
  /** Name of the VIP, when one is meant. */
  readonly vip?: string;
  readonly data?: Readonly<Record<string, string | number | boolean>>;
}

/** `2026-03-01 12:00:00.123  transition  BACKUP -> MASTER ...`, UTC. */
export function formatEventRecord({ at, kind, text, vip }: EventRecord): string {
  const time = at.replace('T', ' ').replace('Z', '');
  return `${time}  ${kind.padEnd(13)}  ${vip === undefined ? '' : `${vip}: `}${text}`;
}
