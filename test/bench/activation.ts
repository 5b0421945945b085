// What it costs to become MASTER: from the election's decision (the transition's own clock reading)
// to the first ARP answer of the new master on the wire, with an ARP question every 250 us. Planned
// handovers, so that no timer is part of the figure.

import type { ArpWatch } from '../rack/arp-watch.ts';
import { EchoProbe } from '../rack/echo-probe.ts';
import { eventually } from '../rack/eventually.ts';
import { monotonicUs } from '../rack/monotonic.ts';
import type { RackNode } from '../rack/node.ts';
import { Pair } from '../rack/pair.ts';
import { Rack } from '../rack/rack.ts';
import { VIP_SEGMENTS, VIPS } from '../rack/rack-plan.ts';
import { YokePair, type YokeSpeaker } from '../rack/yoke-pair.ts';
import { spread } from './median.ts';

const RUNS = 20;
const ASK_EVERY_US = 250;

export async function activationReport(): Promise<string> {
  const rows: string[] = [];
  for (const aliases of [0, 98]) {
    const { median, low, high } = spread(await activations(aliases));
    const range = `${(low / 1000).toFixed(2)}-${(high / 1000).toFixed(2)}`;
    rows.push(`${aliases + 2} VIPs ${(median / 1000).toFixed(2)} ms (${range})`);
  }
  const what = 'From the decision to become MASTER to the first ARP answer';
  return `${what}, median of ${RUNS} (range): ${rows.join(', ')}.`;
}

async function activations(aliases: number): Promise<number[]> {
  const rack = await Rack.build();
  try {
    const watch = await rack.watchArp();
    await EchoProbe.arp(rack.client, 'lan', VIPS.lan.address, ASK_EVERY_US);
    await EchoProbe.arp(rack.server, 'wan', VIPS.wan.address, ASK_EVERY_US * 10);
    const pair = await Pair.start(rack, watch, new YokePair({ aliases, ipv6: false }));
    const costs: number[] = [];
    for (let run = 0; run < RUNS; run += 1) {
      await atRest(rack.nodes.b);
      costs.push(await handover(pair, watch));
    }
    return costs;
  } finally {
    rack.remove();
  }
}

/** A node lowers its VIPs after it went silent; the rack's nodes share one kernel lock for that. */
async function atRest({ namespace }: RackNode): Promise<void> {
  const raised = () => namespace.run('ip', ['-o', 'link', 'show', 'up', 'type', 'macvlan']);
  await eventually('the VIPs are lowered', async () =>
    (await raised()) === '' ? true : undefined,
  );
}

async function handover(pair: Pair<YokeSpeaker>, watch: ArpWatch): Promise<number> {
  const begun = monotonicUs();
  // Asked for beforehand: what is wanted is the first answer, not the newest.
  const answers = VIP_SEGMENTS.map((segment) => watch.untilOwner(segment, 'b', { after: begun }));
  await pair.speakers.a.handover();
  const [lan] = await Promise.all(answers);
  const decidedAt = await lastDecision(pair.speakers.b, begun);
  await pair.speakers.a.release();
  await pair.settled('a');
  return (lan?.t ?? Number.NaN) - decidedAt;
}

/** When the node last decided to become MASTER, on the clock the ARP watch uses too. */
async function lastDecision(speaker: YokeSpeaker, after: number): Promise<number> {
  const decision = await speaker.untilEvent('its decision', ({ kind, data }) => {
    const { to, monotonicUs: at } = data ?? {};
    return kind === 'transition' && to === 'MASTER' && Number(at) > after;
  });
  return Number(decision.data?.['monotonicUs']);
}
