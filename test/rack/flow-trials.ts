// Connections through NAT in numbers: power loss under a thousand live streams, sessions that rest
// for a minute, UDP that speaks now and then, and failover after failover.
//
//   flow-trials.ts [streams|rest|udp|series]...     default: all; takes a quarter of an hour
import { setTimeout as pause } from 'node:timers/promises';
import { ClientTraffic, watchVips } from './client-traffic.ts';
import { type DrillResult, Drills } from './drill.ts';
import { Faults } from './faults.ts';
import { Pair } from './pair.ts';
import { Rack } from './rack.ts';
import { Sessions } from './sessions.ts';
import { YokePair, type YokeSpeaker } from './yoke-pair.ts';

const LIVE = 1000;
const RESTING = 1000;
const REST_MS = 60_000;
const UDP_FLOWS = 200;
const UDP_PACE_MS = 20_000;
const UDP_RUNS_MS = [150_000, 600_000];
const SERIES = 20;
const SERIES_STREAMS = 200;

interface Stage {
  readonly rack: Rack;
  readonly pair: Pair<YokeSpeaker>;
  readonly watch: Awaited<ReturnType<typeof watchVips>>;
}

async function stage(): Promise<Stage> {
  const rack = await Rack.build({ firewall: 'snat' });
  const watch = await watchVips(rack);
  const pair = await Pair.start(rack, watch, new YokePair());
  await synced(pair);
  return { rack, pair, watch };
}

async function synced({ speakers }: Pair<YokeSpeaker>): Promise<void> {
  for (const speaker of Object.values(speakers)) {
    await speaker.untilStatus('has the flows of the peer', ({ flows }) => flows?.synced === true);
  }
}

const ms = (us: number): string => `${(us / 1000).toFixed(0)} ms`;

function fate({ streams, streamsPreserved, outageUs, states }: DrillResult): string {
  const now = `a ${states.a}, b ${states.b}`;
  return `${streamsPreserved} of ${streams} streams, outage ${ms(outageUs)} (${now})`;
}

async function streams(): Promise<void> {
  const { rack, pair, watch } = await stage();
  const traffic = await ClientTraffic.start(rack, LIVE);
  const drills = new Drills(rack, pair, watch, traffic);
  const loss = await drills.run('power loss');
  const { streams: after } = await traffic.report(10_000);
  console.log(`power loss: ${fate(loss)}, longest stall ${ms(after.longestStallUs)}`);
  traffic.mark();
  await drills.undo('power loss', loss.from);
  const { streams: back } = await traffic.report(15_000);
  console.log(
    `failback: ${back.flowing} of ${back.streams} streams, ` +
      `longest stall ${ms(back.longestStallUs)}`,
  );
  rack.remove();
}

async function rest(): Promise<void> {
  const { rack, pair } = await stage();
  await Sessions.serve(rack);
  const sessions = await Sessions.open(rack, 'tcp', RESTING);
  await pause(2000);
  await new Faults(rack).powerLoss('a');
  await pair.speakers.b.untilState('MASTER');
  await pause(REST_MS);
  const { answered, same } = await sessions.ask();
  console.log(
    `TCP that rested ${REST_MS / 1000} s: ${answered} of ${RESTING} answered, ` +
      `${same} from the same port`,
  );
  rack.remove();
}

async function udp(): Promise<void> {
  for (const span of UDP_RUNS_MS) {
    const { rack, pair } = await stage();
    await Sessions.serve(rack);
    const sessions = await Sessions.open(rack, 'udp', UDP_FLOWS);
    const begun = performance.now();
    while (performance.now() - begun < span) {
      await pause(UDP_PACE_MS);
      await sessions.ask();
    }
    await new Faults(rack).powerLoss('a');
    await pair.speakers.b.untilState('MASTER');
    const { answered, same } = await sessions.ask();
    console.log(
      `UDP each 20 s, power loss after ${span / 1000} s: ${answered} of ${UDP_FLOWS} answered, ` +
        `${same} from the same port`,
    );
    rack.remove();
  }
}

async function series(): Promise<void> {
  const { rack, pair, watch } = await stage();
  const traffic = await ClientTraffic.start(rack, SERIES_STREAMS);
  const drills = new Drills(rack, pair, watch, traffic);
  for (let run = 1; run <= SERIES; run++) {
    await synced(pair);
    const loss = await drills.run('power loss');
    await drills.undo('power loss', loss.from).catch((error) => tell(pair, error));
    const { streams: back } = await traffic.report(15_000);
    console.log(`series ${run}: ${fate(loss)}; after failback ${back.flowing}`);
    if (back.flowing < SERIES_STREAMS) return tell(pair, new Error('streams are lost'));
  }
  rack.remove();
}

/** What both nodes said last, for whoever looks for the reason. */
function tell({ speakers }: Pair<YokeSpeaker>, error: Error): never {
  for (const speaker of Object.values(speakers)) {
    console.log(`${speaker.node.name}:\n${speaker.log().slice(-40).join('\n')}`);
  }
  throw error;
}

const TRIALS = { streams, rest, series, udp } as const;
const wanted = process.argv.slice(2);
for (const [name, trial] of Object.entries(TRIALS)) {
  if (wanted.length === 0 || wanted.includes(name)) await trial();
}
process.exit();
