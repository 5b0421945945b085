/** What the tests of this folder say of two nodes: how one stands, what the other tells. */
import type { OwnPart, PeerPart } from '../../../firmware/core/peer/accord.ts';
import { type Instant, instant, milliseconds } from '../../../firmware/core/time.ts';
import type { PeerBeat } from '../../../firmware/wire/peer-beat.ts';

export const at = (ms: number): Instant => instant(1_000_000_000 + ms * 1_000);

/** The primary: preferred, healthy, BACKUP since long ago. */
export const own = (part: Partial<OwnPart> = {}): OwnPart => ({
  health: 2,
  demotion: 0,
  preference: 256,
  role: 'primary',
  node: 'gw1',
  bootId: 1n,
  state: 'BACKUP',
  since: at(-60_000),
  lease: milliseconds(16),
  leaving: false,
  mayTakeFreeAt: undefined,
  mayTakeHeldAt: undefined,
  mayPreemptAt: at(-1),
  heldUntil: undefined,
  ...part,
});

/** The secondary: as healthy, less preferred. */
export const beat = (part: Partial<PeerBeat> = {}): PeerBeat => ({
  node: 'gw2',
  role: 'secondary',
  bootId: 2n,
  sequence: 1,
  asks: false,
  farewell: false,
  state: part.serving === true ? 'MASTER' : 'BACKUP',
  serving: false,
  stateAge: 60_000,
  health: 2,
  demotion: 0,
  preference: 356,
  claim: 0,
  grant: 0,
  interval: 10_000,
  lease: 16_000,
  heardAge: 1,
  counterTag: 7,
  configHash: '0123456789abcdef',
  paths: [],
  ...part,
});

export const alive = (part: Partial<PeerBeat> = {}): PeerPart => {
  return { beat: beat(part), verdict: 'alive' };
};

export const dead = (part: Partial<PeerBeat> = {}): PeerPart => {
  return { beat: beat(part), verdict: 'dead' };
};
