// Traffic through a pair that filters and translates: its rules are put in, and stations reach one
// another.
import type { Pair } from './pair.ts';
import { type ProbeEvent, ProbeProcess } from './probe-process.ts';
import type { Rack } from './rack.ts';
import type { Station } from './station.ts';
import type { YokeSpeaker } from './yoke-pair.ts';

const REACH = new URL('./reach-probe.ts', import.meta.url).pathname;
const RULESET = new URL('./ruleset-process.ts', import.meta.url).pathname;

interface Reached extends ProbeEvent {
  /** The address the other end saw, or `refused`, `unreachable`, `silent`. */
  readonly seen: string;
}

/** On both nodes, from their configuration; throws what the engine says. */
export async function applyRules(rack: Rack): Promise<void> {
  for (const { namespace, directories } of Object.values(rack.nodes)) {
    await namespace.run(process.execPath, [RULESET, directories.config]);
  }
}

/** Answers connections at these ports from now on. */
export async function serveAt({ namespace }: Station, ...ports: number[]): Promise<void> {
  const args = [REACH, 'serve', ...ports.map(String)];
  await ProbeProcess.attach(namespace.start('reach server', process.execPath, args));
}

/** As whom the station reaches the address, or how it is turned away. */
export async function reach({ namespace }: Station, address: string, port: number) {
  const printed = await namespace.run(process.execPath, [REACH, 'reach', address, `${port}`]);
  return (JSON.parse(printed) as Reached).seen;
}

/** Every way of a table at once: from, address and port, and what comes of it. */
export async function ways(
  table: readonly (readonly [Station, string, number, string])[],
): Promise<{ readonly expected: string[]; readonly found: string[] }> {
  const name = ([{ name }, address, port]: (typeof table)[number], seen: string) =>
    `${name} -> ${address} ${port}: ${seen}`;
  const found = await Promise.all(
    table.map(async (way) => name(way, await reach(way[0], way[1], way[2]))),
  );
  return { expected: table.map((way) => name(way, way[3])), found };
}

/** Beats, advertisements and flows pass as if there were no rules. */
export async function untilWhole(pair: Pair<YokeSpeaker>): Promise<void> {
  await pair.fit();
  for (const speaker of Object.values(pair.speakers)) {
    await speaker.untilStatus('has the flows of the peer', ({ flows }) => flows?.synced === true);
  }
}
