// The ways in which people move the VIPs on purpose, each with the pair it is tried on.
import type { HandoverWay } from './handover-series.ts';
import { otherLetter } from './rack-plan.ts';
import { YokePair } from './yoke-pair.ts';

export interface PlannedHandover {
  readonly pair: YokePair;
  readonly way: HandoverWay;
}

export const HANDOVER_WAYS: readonly PlannedHandover[] = [
  {
    pair: new YokePair({ preempt: { enabled: true, delay: '100ms' } }),
    way: {
      name: 'maintenance',
      away: (pair, home) => pair.speakers[home].handover(),
      back: (pair, home) => pair.speakers[home].release(),
    },
  },
  {
    // Without preemption: a node that gave its VIPs away would take them back by itself.
    pair: new YokePair({ preempt: { enabled: false, delay: '1s' } }),
    way: {
      name: 'handover',
      away: (pair, home) => pair.speakers[home].giveAway(),
      back: (pair, home) => pair.speakers[otherLetter(home)].giveAway(),
    },
  },
];
