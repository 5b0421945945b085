// Puts the gateway's table of a configuration directory into the kernel of the namespace it runs
// in, as the agent does, and looks whether it is there. Started by gateway-traffic.ts, in a node.
//
//   ruleset-process.ts DIRECTORY
import { gatewayRulesetOf } from '../../firmware/core/rendering/gateway-ruleset.ts';
import { NftablesEngine } from '../../firmware/kernel/engines/nftables.ts';
import { loadConfiguration } from '../../firmware/service/configuration-loading.ts';

const engine = new NftablesEngine(gatewayRulesetOf);
const loading = loadConfiguration(process.argv[2] ?? '');
if (!loading.ok) throw new Error(loading.problems.join('\n'));
const text = engine.render(loading.configuration);
for (const step of ['check', 'apply', 'drift'] as const) {
  const words = await engine[step](text);
  if (words !== undefined) throw new Error(`${step}: ${words}`);
}
