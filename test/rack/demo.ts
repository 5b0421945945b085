// The demonstration: a pair on a rack under client traffic, failed over by maintenance, by a pulled
// cable and by a power loss, with the status in between and the drill report at the end. Under a
// minute.
import { ClientTraffic, watchVips } from './client-traffic.ts';
import { type DrillName, type DrillResult, Drills } from './drill.ts';
import { drillReport, outage } from './drill-report.ts';
import { Pair } from './pair.ts';
import { Rack } from './rack.ts';
import { YokePair, type YokeSpeaker } from './yoke-pair.ts';

const STREAMS = 50;
const DRILLS: readonly { readonly test: DrillName; readonly story: string }[] = [
  { test: 'planned handover', story: 'office-a goes into maintenance' },
  { test: 'LAN cable', story: 'the LAN cable of office-a is pulled' },
  { test: 'power loss', story: 'office-a loses power' },
];

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function demo(rack: Rack): Promise<void> {
  say(`Rack ${rack.name}: two nodes, LAN and WAN switch, sync cable, a client, a server.`);
  const watch = await watchVips(rack);
  const pair = await Pair.start(rack, watch, new YokePair());
  const traffic = await ClientTraffic.start(rack, STREAMS);
  say(`Client traffic: 1000 datagrams a second through the pair, ${STREAMS} TCP sessions.\n`);
  await showStatus(pair);

  const drills = new Drills(rack, pair, watch, traffic);
  const results: DrillResult[] = [];
  for (const { test, story } of DRILLS) {
    say(`\n>> ${story}`);
    const result = await drills.run(test);
    results.push(result);
    say(`   office-b serves the clients; outage ${outage(result)} ms`);
    if (test === 'power loss') await showStatus(pair);
    await drills.undo(test, result.from);
    say('   repaired; office-a is master again');
  }
  say(`\nDrill report\n\n${drillReport(results)}`);
  const { answersSeen, doubleAnswers } = watch;
  say(`\nARP requests answered: ${answersSeen}, answered twice: ${doubleAnswers.length}`);
}

async function showStatus(pair: Pair<YokeSpeaker>): Promise<void> {
  for (const letter of ['a', 'b'] as const) {
    const off = (await pair.said(letter)) === 'off';
    say(off ? `(${letter} is off)` : await pair.speakers[letter].statusTable());
  }
}

if (!YokePair.built) {
  process.stderr.write('build/yoke is missing: run `make build` first\n');
  process.exit(1);
}
const rack = await Rack.build();
try {
  await demo(rack);
} finally {
  rack.remove();
}
