/**
 * The process that keeps the configuration, yoke-agent: its history, its way to both nodes, and
 * everything that is rendered from it. It may crash and start again without the election noticing.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { readConfigText } from '../kernel/config-files.ts';
import { AgentServer } from './agent-server.ts';
import { ApiClient } from './api-client.ts';
import { ConfigAgent } from './config-agent.ts';
import { ConfigHistory } from './config-history.ts';
import { loadConfiguration } from './configuration-loading.ts';
import { engineList } from './engine-list.ts';
import { GatewayService } from './gateway-service.ts';
import { ApiFailure } from './local-client.ts';
import { ServerRefusal } from './local-server.ts';
import type { NodePlaces } from './service-child.ts';
import { syncPlace } from './sync-place.ts';

/** Between two looks at what runs on this node. */
const LOOK_PAUSE_MS = 500;
const DRIFT_PAUSE_MS = 30_000;

/** Runs until it is told to stop. Returns the exit code. */
export async function runAgent(places: NodePlaces): Promise<number> {
  const history = new ConfigHistory(places.stateDir);
  const reading = readConfigText(join(places.configDir, 'cluster.yaml'));
  const texts = [history.head?.text, reading.ok ? reading.text : undefined];
  const loadings = texts.flatMap((text) =>
    text === undefined ? [] : [{ text, loading: loadConfiguration(places.configDir, text) }],
  );
  // The file may be in the middle of being edited, and node.yaml no longer fit what stood.
  const usable = loadings.find(({ loading }) => loading.ok);
  if (usable === undefined || !usable.loading.ok) {
    const { loading } = loadings.at(-1) ?? {};
    const lines = loading?.ok === false ? loading.problems : ['there is no cluster.yaml'];
    for (const line of lines) console.error(`yoke-agent: ${line}`);
    return 1;
  }
  const client = new ApiClient(places.runtimeDir);
  const gateways = new GatewayService({
    reportDemotions: (body) => client.reportDemotions(body),
  });
  const agent = new ConfigAgent({
    configDir: places.configDir,
    history,
    client,
    engines: engineList(gateways),
    gateways,
    onApplied: (configuration) => gateways.configure(configuration),
    loaded: usable.loading,
    place: syncPlace(usable.loading),
    text: usable.text,
    newId: () => randomBytes(8).toString('hex'),
  });
  const ended = new AbortController();
  const end = (): void => ended.abort();
  process.on('SIGTERM', end).on('SIGINT', end);
  // Started by a node: it is not to outlive it.
  process.on('disconnect', end);
  const server = new AgentServer(places.runtimeDir, agent);
  try {
    await server.start();
  } catch (error) {
    if (!(error instanceof ServerRefusal)) throw error;
    console.error(`yoke-agent: ${error.message}`);
    return 1;
  }
  gateways.start();
  await agent.start();
  await look(agent, client, ended.signal);
  agent.stop();
  await gateways.stop();
  await server.stop();
  // The channel to the node would keep the process.
  if (process.connected) process.disconnect?.();
  return 0;
}

async function look(agent: ConfigAgent, client: ApiClient, signal: AbortSignal): Promise<void> {
  let driftAt = performance.now() + DRIFT_PAUSE_MS;
  while (!signal.aborted) {
    try {
      const report = agent.report();
      const facts = await client.reportConfig(report);
      agent.forget(report);
      await agent.look(facts);
    } catch (error) {
      // The election's process is not there yet, or no more.
      if (!(error instanceof ApiFailure)) throw error;
    }
    if (performance.now() >= driftAt) {
      driftAt = performance.now() + DRIFT_PAUSE_MS;
      await agent.mend();
    }
    await pause(LOOK_PAUSE_MS, undefined, { signal }).catch(() => undefined);
  }
}
