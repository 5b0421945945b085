/**
 * The session in which flows are replicated: greets until there is one, and again when the peer
 * has fallen silent in it, because it may have been restarted without knowing of it.
 */
import { Allowance } from '../core/election/allowance.ts';
import { after, type Duration, type Instant, milliseconds, seconds } from '../core/time.ts';
import { PeerChannel } from '../wire/peer-channel.ts';

/** An answer costs a key agreement: so many at once, and one more after each pause. */
const ANSWERS_AT_ONCE = 4;
const ANSWER_PAUSE = milliseconds(100);
/** Between greetings while there is no session, and while a session is silent. */
const GREETING_PAUSE: Duration = milliseconds(250);
/** The replication says something several times a second. */
const SILENCE: Duration = seconds(1);

/** What sealing adds to a frame: header and tag. */
export const SEAL_BYTES = 30;

interface FlowChannelStart {
  readonly key: Uint8Array;
  readonly random: (length: number) => Uint8Array;
  readonly send: (datagram: Uint8Array) => void;
}

export class FlowChannel {
  /** Datagrams refused, by reason. */
  readonly refused = new Map<string, number>();
  readonly #channel: PeerChannel;
  readonly #send: (datagram: Uint8Array) => void;
  readonly #allowance = new Allowance(ANSWERS_AT_ONCE, ANSWER_PAUSE);
  #greetAt: Instant | undefined;
  #heardAt: Instant | undefined;

  constructor({ key, random, send }: FlowChannelStart) {
    this.#channel = new PeerChannel({ key, random });
    this.#send = send;
  }

  get established(): boolean {
    return this.#channel.established;
  }

  /** Greets when it is time to. */
  tend(now: Instant): void {
    const isHeard = this.#heardAt !== undefined && now < after(this.#heardAt, SILENCE);
    if (this.#channel.established && isHeard) return;
    if (this.#greetAt !== undefined && now < this.#greetAt) return;
    this.#greetAt = after(now, GREETING_PAUSE);
    this.#send(this.#channel.greet());
  }

  /** The frame in a datagram, if it is one of the peer's. */
  open(datagram: Uint8Array, now: Instant): Uint8Array | undefined {
    const outcome = this.#channel.open(datagram, () => this.#allowance.take(now));
    switch (outcome.kind) {
      case 'message':
        this.#heardAt = now;
        return outcome.plaintext;
      case 'reply':
        this.#send(outcome.bytes);
        return undefined;
      case 'established':
        this.#heardAt = now;
        return undefined;
      case 'refused':
        this.refused.set(outcome.reason, (this.refused.get(outcome.reason) ?? 0) + 1);
        return undefined;
    }
  }

  /** Seals and sends; false while there is no session. */
  sendFrame(frame: Uint8Array): boolean {
    const datagram = this.#channel.seal(frame);
    if (datagram === undefined) return false;
    this.#send(datagram);
    return true;
  }
}
