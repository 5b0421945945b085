/**
 * A process on a node that does what yoke-agent does for gateways: applies the routes of the
 * configuration, then watches the gateways. Says what happens, one line each; answers each line of
 * its input with a snapshot. Arguments: configuration directory, runtime directory.
 */
import { createInterface } from 'node:readline';
import { ApiClient } from '../../firmware/service/api-client.ts';
import { loadConfiguration } from '../../firmware/service/configuration-loading.ts';
import { GatewayService } from '../../firmware/service/gateway-service.ts';

const [configDir = '', runtimeDir = ''] = process.argv.slice(2);
const loading = loadConfiguration(configDir);
if (!loading.ok) throw new Error(loading.problems.join('\n'));
const { configuration } = loading;

const client = new ApiClient(runtimeDir);
const service = new GatewayService({
  onEvent: (text) => console.log(JSON.stringify({ event: text })),
  reportDemotions: (body) => client.reportDemotions(body),
});

const text = service.engine.render(configuration);
const refusal = (await service.engine.check(text)) ?? (await service.engine.apply(text));
if (refusal !== undefined) throw new Error(refusal);
service.start();
service.configure(configuration);
console.log(JSON.stringify({ event: 'watching' }));

const input = createInterface({ input: process.stdin });
input.on('line', () => console.log(JSON.stringify({ snapshot: service.snapshot })));
input.on('close', () => process.exit());
