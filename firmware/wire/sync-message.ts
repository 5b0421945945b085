/**
 * What the two nodes say to each other about their configuration, over TLS.
 *
 *   frame:   length of the body (32 bits, big-endian), body (JSON in UTF-8)
 *
 * The primary opens the connection and leads; the secondary follows. Both say `state` at once, and
 * again whenever something in it changes. `version` stands in every message.
 */
import {
  type ConfigRevision,
  type RevisionName,
  readRevision,
  readRevisionName,
} from './config-revision.ts';
import { fieldsOf, isHex, isText } from './json-field.ts';

export const SYNC_VERSION = 1;

/** What a node says of itself. */
export interface SyncState {
  readonly node: string;
  /** The revision it stands by. */
  readonly head: RevisionName;
  /** Of the content that its election runs with; empty while it is not known. */
  readonly applied: string;
  /** The id of the revision it is in the middle of changing to. */
  readonly changing: string | null;
  /** Whether its head must not be replaced by one that does not follow from it. */
  readonly owned: boolean;
  /** Whether it serves VIPs. */
  readonly master: boolean;
  /** The leader found that neither node's configuration follows from the other's. */
  readonly diverged: boolean;
}

export type SyncMessage =
  /** `revision`: the sender's head, with its text. */
  | { readonly kind: 'state'; readonly state: SyncState; readonly revision: ConfigRevision }
  /** `trial`: ms within which people will confirm; 0 without that. */
  | { readonly kind: 'prepare'; readonly revision: ConfigRevision; readonly trial: number }
  | { readonly kind: 'prepared' | 'apply' | 'applied' | 'commit'; readonly id: string }
  | { readonly kind: 'refused' | 'failed' | 'abort'; readonly id: string; readonly reason: string }
  /** Empty reason: it runs what it ran before. */
  | { readonly kind: 'aborted'; readonly id: string; readonly reason: string }
  | { readonly kind: 'ping' };

export type SyncRefusal = 'too-long' | 'not-json' | 'version' | 'malformed';

const HEAD_BYTES = 4;
/** A text of 1 MiB of which every character is escaped as JSON escapes most of them. */
const LARGEST_BODY_BYTES = 4 * 1_048_576;
const LONGEST_NAME = 64;
const LONGEST_REASON = 16_384;
const LONGEST_TRIAL_MS = 86_400_000;
const ID_DIGITS = 16;

export function encodeSyncMessage(message: SyncMessage): Uint8Array {
  const body = new TextEncoder().encode(JSON.stringify({ version: SYNC_VERSION, ...message }));
  const frame = new Uint8Array(HEAD_BYTES + body.length);
  new DataView(frame.buffer).setUint32(0, body.length);
  frame.set(body, HEAD_BYTES);
  return frame;
}

/** Puts a stream of bytes together to messages. */
export class SyncReader {
  #chunks: Uint8Array[] = [];
  #size = 0;

  /** The messages that are complete now, or why the stream cannot be read any further. */
  read(chunk: Uint8Array): readonly SyncMessage[] | SyncRefusal {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    const messages: SyncMessage[] = [];
    for (;;) {
      const length = this.#nextLength();
      if (length === undefined) return messages;
      if (length > LARGEST_BODY_BYTES) return 'too-long';
      if (this.#size < HEAD_BYTES + length) return messages;
      const message = parseMessage(this.#take(HEAD_BYTES + length).subarray(HEAD_BYTES));
      if (typeof message === 'string') return message;
      messages.push(message);
    }
  }

  #nextLength(): number | undefined {
    if (this.#size < HEAD_BYTES) return undefined;
    const [first] = this.#chunks;
    const bytes = first !== undefined && first.length >= HEAD_BYTES ? first : this.#joined();
    return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  }

  #joined(): Uint8Array {
    const whole = new Uint8Array(this.#size);
    let offset = 0;
    for (const chunk of this.#chunks) {
      whole.set(chunk, offset);
      offset += chunk.length;
    }
    this.#chunks = [whole];
    return whole;
  }

  #take(length: number): Uint8Array {
    const whole = this.#joined();
    this.#chunks = whole.length > length ? [whole.subarray(length)] : [];
    this.#size -= length;
    return whole.subarray(0, length);
  }
}

function parseMessage(body: Uint8Array): SyncMessage | SyncRefusal {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return 'not-json';
  }
  if (fieldsOf(value)['version'] !== SYNC_VERSION) return 'version';
  return readMessage(value) ?? 'malformed';
}

function readMessage(value: unknown): SyncMessage | undefined {
  const { kind, id, reason, trial, state: told, revision: offered } = fieldsOf(value);
  switch (kind) {
    case 'ping':
      return { kind };
    case 'state': {
      const state = readState(told);
      const revision = readRevision(offered);
      return state && revision && { kind, state, revision };
    }
    case 'prepare': {
      const revision = readRevision(offered);
      const isTrial = typeof trial === 'number' && trial >= 0 && trial <= LONGEST_TRIAL_MS;
      return revision && isTrial ? { kind, revision, trial } : undefined;
    }
    case 'prepared':
    case 'apply':
    case 'applied':
    case 'commit':
      return isHex(id, ID_DIGITS) ? { kind, id } : undefined;
    case 'refused':
    case 'failed':
    case 'abort':
    case 'aborted': {
      const isReason = isHex(id, ID_DIGITS) && isText(reason, LONGEST_REASON);
      return isReason ? { kind, id, reason } : undefined;
    }
    default:
      return undefined;
  }
}

function readState(value: unknown): SyncState | undefined {
  const { node, head: name, applied, changing, owned, master, diverged } = fieldsOf(value);
  const head = readRevisionName(name);
  if (head === undefined || !isText(node, LONGEST_NAME)) return undefined;
  if (!isText(applied, 64) || !(changing === null || isHex(changing, ID_DIGITS))) return undefined;
  if (typeof owned !== 'boolean' || typeof master !== 'boolean') return undefined;
  if (typeof diverged !== 'boolean') return undefined;
  return { node, head, applied, changing, owned, master, diverged };
}
