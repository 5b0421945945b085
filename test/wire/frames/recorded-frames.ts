/**
 * The recorded frames and vectors, typed: captures of ucarp and keepalived, crafted frames with
 * ucarp's verdict, digests of the BSDs' hash routine.
 */
import type { CarpScene } from '../../../firmware/wire/carp-reception.ts';
import vectors from './carp-vectors.json' with { type: 'json' };
import keepalived from './keepalived-frames.json' with { type: 'json' };

export interface RecordedFrame {
  readonly id: string;
  readonly vhid: number;
  readonly password: Uint8Array;
  readonly addresses: readonly string[];
  readonly frame: Uint8Array;
}

export function bytes(hexText: string): Uint8Array {
  return new Uint8Array(Buffer.from(hexText, 'hex'));
}

export function hex(data: Uint8Array): string {
  return Buffer.from(data).toString('hex');
}

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Real frames of ucarp, with what a dissector read from them. */
export const ucarpFrames = vectors.ucarp.map(({ id, params, frame, decoded }) => ({
  id,
  vhid: params.vhid,
  password: bytes(params.password_hex),
  addresses: params.vips,
  frame: bytes(frame),
  decoded,
}));

/** Frames in the manner of the BSDs, and our good-bye. */
export const syntheticFrames: readonly RecordedFrame[] = vectors.synthetic.map((vector) => ({
  id: vector.id,
  vhid: vector.vhid,
  password: utf8(vector.password_utf8),
  addresses: vector.vips,
  frame: bytes(vector.frame),
}));

/** Frames made to be refused, or not, with the verdict of a real ucarp at 10.77.0.2. */
export const craftedFrames = vectors.crafted_vs_ucarp.map((vector) => ({
  id: vector.id,
  variant: vector.variant,
  vhid: vector.vhid,
  password: utf8(vector.password_utf8),
  addresses: vector.vips,
  frame: bytes(vector.frame),
  ucarpAccepted: vector.ucarp_accepted,
}));

export const digestVectors = vectors.bsd_hmac.map((vector) => ({
  id: vector.id,
  note: vector.note,
  vhid: vector.vhid,
  password: utf8(vector.password_utf8),
  addresses: vector.vips_config_order,
  counter: BigInt(`0x${vector.counter}`),
  digest: vector.hmac,
  openbsdDigest: vector.openbsd_sender_hmac_without_v6_linklocal,
}));

export const keepalivedFrames = keepalived.frames.map((recorded) => ({
  ...recorded,
  frame: bytes(recorded.frame),
}));

/**
 * A receiver at 10.77.0.2 and fe80::2 that knows the recorded group by multicast, changed by
 * `change`.
 */
export function sceneOf(
  recorded: Pick<RecordedFrame, 'vhid' | 'password' | 'addresses'>,
  change: Partial<CarpScene> & { readonly peers?: readonly string[] } = {},
): CarpScene {
  const { vhid, password, addresses } = recorded;
  const { peers = [], ...rest } = change;
  return {
    ownAddresses: new Set(['10.77.0.2', 'fe80::2']),
    groups: new Map([[vhid, { password, addresses, peers }]]),
    isRecentCounter: () => false,
    ...rest,
  };
}
