/** A process of its own with the nftables engine, in the network namespace it runs in. */
import { NftablesEngine } from '../../firmware/kernel/engines/nftables.ts';
import { serveCalls } from './json-lines.ts';

const engine = new NftablesEngine(() => '');

serveCalls({
  check: (text: string) => engine.check(text),
  apply: (text: string) => engine.apply(text),
  drift: (text: string) => engine.drift(text),
});
