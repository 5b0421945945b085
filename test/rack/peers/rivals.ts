// What Yoke is measured against, slowest timers last.
import type { PairKind } from '../pair-kind.ts';
import { KEEPALIVED, KeepalivedPair } from './keepalived-pair.ts';
import { UcarpPair } from './ucarp-pair.ts';

export const KEEPALIVED_PAIRS: readonly PairKind[] = [
  new KeepalivedPair(KEEPALIVED.fastest),
  new KeepalivedPair(KEEPALIVED.fast),
  new KeepalivedPair(KEEPALIVED.tuned),
  new KeepalivedPair(KEEPALIVED.default),
];

export const UCARP_PAIR: PairKind = new UcarpPair();
