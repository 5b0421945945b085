/** One interface: usable or not, and what it speaks from. */
import { describe, expect, it } from 'vitest';
import { InterfaceWatch } from '../../../firmware/core/node/interface-watch.ts';
import { instant } from '../../../firmware/core/time.ts';
import { configurationOf, found, UP } from './node-stage.ts';

function watchOf(name: string, dualStack = false): InterfaceWatch {
  const configuration = configurationOf({ dualStack });
  const one = configuration.interfaces.find((each) => each.name === name);
  if (one === undefined) throw new Error(`no interface ${name}`);
  return new InterfaceWatch(one, configuration);
}

describe('an interface', () => {
  it('carries VIPs or not', () => {
    expect([watchOf('lan').carriesVips, watchOf('sync').carriesVips]).toEqual([true, false]);
  });

  it('speaks from its configured address, and from link-local in IPv6', () => {
    const watch = watchOf('lan', true);
    const addresses = found('192.168.1.77', '192.168.1.2', '2001:db8:1::2', 'fe80::2');
    watch.see({ ...UP, addresses }, instant(0));
    expect(watch.source(4, undefined)).toBe('192.168.1.2');
    expect(watch.source(6, undefined)).toBe('fe80::2');
  });

  it('knows which configured addresses are missing, unless the device is', () => {
    const watch = watchOf('sync');
    watch.see({ ...UP, addresses: [] }, instant(0));
    expect(watch.missing.map(({ address }) => address)).toEqual(['172.16.1.1']);
    watch.see({ ...UP, present: false, addresses: [] }, instant(0));
    expect(watch.missing).toEqual([]);
  });

  it('needs an address of every family its VIPs have', () => {
    const both = watchOf('lan', true);
    both.see({ ...UP, addresses: found('192.168.1.2') }, instant(0));
    expect(both.link.usable).toBe(false);
    const four = watchOf('lan');
    four.see({ ...UP, addresses: found('192.168.1.2') }, instant(0));
    expect(four.link.usable).toBe(true);
  });
});
