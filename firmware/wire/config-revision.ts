/**
 * One revision of the pair's configuration, as it lies in the history and travels between nodes.
 */
import { fieldsOf, isHex, isText } from './json-field.ts';

/** Where a revision came from. */
export type RevisionOrigin =
  /** Found in the config directory by a node that had no history. */
  | 'import'
  | 'edit'
  /** cluster.yaml was edited in the config directory and reloaded. */
  | 'by-hand'
  /** Made on the secondary, in an emergency. */
  | 'here'
  | 'rollback'
  | 'resolve'
  | 'restore';

/** What names a revision. */
export interface RevisionName {
  /** From 1; each is greater than that of every revision its author's node knew of. */
  readonly number: number;
  /** 16 hexadecimal digits by chance: numbers may be given twice by nodes that are apart. */
  readonly id: string;
  /** SHA-256 of the content, 64 hexadecimal digits; layout and comments do not count. */
  readonly hash: string;
}

export interface ConfigRevision extends RevisionName {
  /** The id of the one before; null for the first. */
  readonly parent: string | null;
  /** ISO 8601 in UTC. */
  readonly time: string;
  /** `user@node`. */
  readonly author: string;
  /** One line; may be empty. */
  readonly message: string;
  readonly origin: RevisionOrigin;
  /** The id of a revision of the other node that this one settles the matter with, else null. */
  readonly resolves: string | null;
  /** All of cluster.yaml. */
  readonly text: string;
}

const ORIGINS: ReadonlySet<unknown> = new Set<RevisionOrigin>([
  'import',
  'edit',
  'by-hand',
  'here',
  'rollback',
  'resolve',
  'restore',
]);
const ID_DIGITS = 16;
const HASH_DIGITS = 64;
/** cluster.yaml itself may have 1 MiB. */
const LONGEST_TEXT = 1_048_576;
const LONGEST_LINE = 1024;

export function readRevisionName(value: unknown): RevisionName | undefined {
  const { number, id, hash } = fieldsOf(value);
  if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 1) return undefined;
  return isHex(id, ID_DIGITS) && isHex(hash, HASH_DIGITS) ? { number, id, hash } : undefined;
}

/** Undefined for anything that is not exactly a revision. */
export function readRevision(value: unknown): ConfigRevision | undefined {
  const name = readRevisionName(value);
  const { parent, time, author, message, origin, resolves, text } = fieldsOf(value);
  if (name === undefined || !ORIGINS.has(origin)) return undefined;
  if (!(parent === null || isHex(parent, ID_DIGITS))) return undefined;
  if (!(resolves === null || isHex(resolves, ID_DIGITS))) return undefined;
  if (!isText(time, LONGEST_LINE) || Number.isNaN(Date.parse(time))) return undefined;
  if (!isText(author, LONGEST_LINE) || !isText(message, LONGEST_LINE)) return undefined;
  if (!isText(text, LONGEST_TEXT)) return undefined;
  const known = origin as RevisionOrigin;
  return { ...name, parent, time, author, message, origin: known, resolves, text };
}
