/**
 * What the nodes tell each other, encrypted, while they begin a session. Bytes beyond what is known
 * here are read over: a later version may say more.
 *
 *   greeting   session u32 | oldest version u8 | newest version u8
 *   reply      session u32 | version u8
 */
import { byteView } from './byte-view.ts';
import type { Versions } from './sealed-datagram.ts';

export interface GreetingTerms {
  /** What the greeter will call the session by. */
  readonly sessionId: number;
  readonly versions: Versions;
}

export interface ReplyTerms {
  /** What the answering node will call the session by. */
  readonly sessionId: number;
  /** The version both will speak. */
  readonly version: number;
}

const GREETING_BYTES = 6;
const REPLY_BYTES = 5;

export function encodeGreeting({ sessionId, versions }: GreetingTerms): Uint8Array {
  const bytes = new Uint8Array(GREETING_BYTES);
  const view = byteView(bytes);
  view.setUint32(0, sessionId);
  view.setUint8(4, versions.oldest);
  view.setUint8(5, versions.newest);
  return bytes;
}

export function decodeGreeting(bytes: Uint8Array): GreetingTerms | undefined {
  if (bytes.length < GREETING_BYTES) return undefined;
  const view = byteView(bytes);
  return {
    sessionId: view.getUint32(0),
    versions: { oldest: view.getUint8(4), newest: view.getUint8(5) },
  };
}

export function encodeReply({ sessionId, version }: ReplyTerms): Uint8Array {
  const bytes = new Uint8Array(REPLY_BYTES);
  const view = byteView(bytes);
  view.setUint32(0, sessionId);
  view.setUint8(4, version);
  return bytes;
}

export function decodeReply(bytes: Uint8Array): ReplyTerms | undefined {
  if (bytes.length < REPLY_BYTES) return undefined;
  const view = byteView(bytes);
  return { sessionId: view.getUint32(0), version: view.getUint8(4) };
}
