// A beat with every field set, for tests that change one at a time.
import type { PeerBeat } from '../../firmware/wire/peer-beat.ts';

export const BEAT: PeerBeat = {
  node: 'secondary',
  role: 'secondary',
  bootId: 0x0102030405060708n,
  sequence: 7,
  asks: false,
  farewell: false,
  state: 'BACKUP',
  serving: false,
  stateAge: 5_000,
  health: 2,
  demotion: 0,
  preference: 356,
  claim: 0,
  grant: 0,
  interval: 10_000,
  lease: 24_000,
  heardAge: 3,
  counterTag: 0x11121314,
  configHash: '15161718191a1b1c',
  paths: [{ interface: 'sync', address: '172.16.1.2', usable: true, hears: true }],
};
