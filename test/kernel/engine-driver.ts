/**
 * A process of its own with the engines of routes and links in the network namespace it runs in.
 * Texts are given whole; which gateways are in use is set before.
 */
import { routePlan } from '../../firmware/core/gateways/route-plan.ts';
import { LinkEngine } from '../../firmware/kernel/engines/links.ts';
import { RouteEngine } from '../../firmware/kernel/engines/routes.ts';
import { serveCalls } from './json-lines.ts';

let choice: [string, string[]][] = [];
const routes = new RouteEngine(
  () => '',
  (text) => routePlan(text, new Map(choice)),
);
const engines = { routes, links: new LinkEngine(() => '') };
type Name = keyof typeof engines;

serveCalls({
  choose(chosen: [string, string[]][]) {
    choice = chosen;
  },
  check: (engine: Name, text: string) => engines[engine].check(text),
  apply: (engine: Name, text: string) => engines[engine].apply(text),
  drift: (engine: Name, text: string) => engines[engine].drift(text),
  reapply: () => routes.reapply(),
  repair: () => routes.repair(),
});
