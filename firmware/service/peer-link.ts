/**
 * The link to the peer: beats out, sealed; datagrams in, as what they mean to the node. The channel
 * behind it lives as long as the key of the pair stays the same, and after that until there is a
 * session under the new one: the two nodes are never given a new secret in the same instant.
 */
import type { PairConfiguration } from '../core/configuration/pair-configuration.ts';
import { Allowance } from '../core/election/allowance.ts';
import type { NodeInput, NodeOutput } from '../core/node/node-io.ts';
import { after, type Instant, instant, milliseconds, seconds } from '../core/time.ts';
import type { Kernel, KernelEvent } from '../kernel/kernel.ts';
import { BeatReader } from '../wire/beat-reader.ts';
import { BeatWriter } from '../wire/beat-writer.ts';
import { type NoisePrimitives, noisePrimitives } from '../wire/noise-crypto.ts';
import { PeerChannel } from '../wire/peer-channel.ts';

/** An answer costs a key agreement: so many at once on a device, and one more after each pause. */
const ANSWERS_AT_ONCE = 4;
const ANSWER_PAUSE = milliseconds(100);
const FORMER_GRACE = seconds(5);

type Datagram = Extract<KernelEvent, { kind: 'datagram' }>;

export class PeerLink {
  readonly #kernel: Pick<Kernel, 'now' | 'random' | 'sendDatagram'>;
  readonly #primitives: NoisePrimitives;
  readonly #reader = new BeatReader();
  readonly #writer = new BeatWriter();
  /** By device. */
  readonly #allowances = new Map<string, Allowance>();
  #key: Uint8Array | undefined;
  #channel: PeerChannel | undefined;
  /** Under the former key. */
  #former: PeerChannel | undefined;
  #forgetAt: Instant | undefined;

  constructor(
    kernel: Pick<Kernel, 'now' | 'random' | 'sendDatagram'>,
    primitives: NoisePrimitives = noisePrimitives,
  ) {
    this.#kernel = kernel;
    this.#primitives = primitives;
  }

  /** Without a key there is no peer to talk to: what comes is not looked at. */
  configure({ beatKey }: Pick<PairConfiguration, 'beatKey'>): void {
    if (this.#channel !== undefined && isSame(this.#key, beatKey)) return;
    this.#key = beatKey;
    if (this.#channel?.established === true) this.#former = this.#channel;
    if (beatKey === undefined) this.#former = undefined;
    const random = (length: number): Uint8Array => this.#kernel.random(length);
    this.#channel =
      beatKey && new PeerChannel({ key: beatKey, random, primitives: this.#primitives });
  }

  /** Lost without a word while there is no session: the node greets until there is one. */
  beat({ device, destination, beat }: Extract<NodeOutput, { kind: 'beat' }>): void {
    const channel = this.#channel?.established === true ? this.#channel : this.#former;
    if (channel?.established !== true) return;
    const bytes = channel.seal(this.#writer.write(beat));
    if (bytes !== undefined) this.#kernel.sendDatagram(device, destination, bytes);
  }

  greet({ device, destination }: Extract<NodeOutput, { kind: 'greet' }>): void {
    if (this.#channel === undefined) return;
    this.#kernel.sendDatagram(device, destination, this.#channel.greet());
  }

  /** What a datagram means to the node. `name`: the interface it arrived on. */
  receive({ device, source, bytes }: Datagram, name: string): readonly NodeInput[] {
    if (this.#channel === undefined) return [];
    const mayGreet = (): boolean => this.#allowance(device).take(this.#now());
    let outcome = this.#channel.open(bytes, mayGreet);
    if (outcome.kind === 'refused') outcome = this.#former?.open(bytes, mayGreet) ?? outcome;
    this.#forgetFormer();
    switch (outcome.kind) {
      case 'message':
        return outcome.begins
          ? [{ kind: 'session' }, this.#message(outcome.plaintext, name, source)]
          : [this.#message(outcome.plaintext, name, source)];
      case 'reply':
        this.#kernel.sendDatagram(device, source, outcome.bytes);
        return [];
      case 'established':
        return [{ kind: 'session' }];
      case 'refused':
        return [{ kind: 'beat-refused', interface: name, reason: outcome.reason, source }];
    }
  }

  /** Some beats sealed under the former key are still under way when the new one is agreed upon. */
  #forgetFormer(): void {
    if (this.#former === undefined || this.#channel?.established !== true) return;
    const now = this.#now();
    this.#forgetAt ??= after(now, FORMER_GRACE);
    if (now < this.#forgetAt) return;
    this.#former = undefined;
    this.#forgetAt = undefined;
  }

  #message(plaintext: Uint8Array, name: string, source: string): NodeInput {
    const beat = this.#reader.read(plaintext);
    return beat === undefined
      ? { kind: 'beat-refused', interface: name, reason: 'content', source }
      : { kind: 'beat', interface: name, beat };
  }

  #allowance(device: string): Allowance {
    const known = this.#allowances.get(device);
    if (known !== undefined) return known;
    const allowance = new Allowance(ANSWERS_AT_ONCE, ANSWER_PAUSE);
    this.#allowances.set(device, allowance);
    return allowance;
  }

  #now(): Instant {
    return instant(this.#kernel.now());
  }
}

function isSame(one: Uint8Array | undefined, other: Uint8Array | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return Buffer.compare(one, other) === 0;
}
