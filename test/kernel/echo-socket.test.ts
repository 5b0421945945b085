/** Echo requests through a real kernel, by the routes of their mark. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { EchoPlace } from '../../firmware/kernel/echo-socket.ts';
import type { NamespaceProcess } from './json-lines.ts';
import { Segment } from './segment.ts';

let segment: Segment;
let driver: NamespaceProcess;

beforeEach(() => {
  segment = new Segment();
  segment.hostIp('address add 10.5.0.99/24 dev host');
  segment.hostIp('address add 2001:db8::99/64 dev host nodad');
  segment.hostIp('link set lo up');
  segment.hostIp('address add 2001:db8:9::1/128 dev lo');
  driver = segment.startProgram('echo-driver.ts');
});

afterEach(() => segment.remove());

const V4: EchoPlace = { family: 4, device: 'lan', source: '10.5.0.3', mark: 0x1_0000 };
const V6: EchoPlace = { family: 6, device: 'lan', source: '2001:db8::3', mark: 0x1_0000 };

interface Asked {
  readonly sent: number[];
  readonly heard: number[];
}
const ask = (place: EchoPlace, host: string, sequences: number[]) =>
  driver.call<Asked>('ask', place, host, sequences);

describe('an echo socket', () => {
  test('hears its own answers, of both families', async () => {
    const numbers = [0, 1, 65_535];
    const all = { sent: numbers, heard: numbers };
    expect(await ask(V4, '10.5.0.99', numbers)).toEqual(all);
    expect(await ask(V6, '2001:db8::99', numbers)).toEqual(all);
  });

  test('asks by the routes of its mark', async () => {
    const far = '2001:db8:9::1';
    expect((await ask(V6, far, [1])).sent).toEqual([]);
    segment.ip('route add default via 2001:db8::99 dev lan table 1001');
    segment.ip('-6 rule add pref 110 fwmark 0x10000/0xff0000 lookup 1001');
    expect(await ask(V6, far, [1])).toEqual({ sent: [1], heard: [1] });
    expect((await ask({ ...V6, mark: 0x2_0000 }, far, [1])).sent).toEqual([]);
  });

  test('needs its device and its address', async () => {
    await expect(ask({ ...V4, device: 'wan9' }, '10.5.0.99', [1])).rejects.toThrow('bind to wan9');
    await expect(ask({ ...V4, source: '10.5.0.77' }, '10.5.0.99', [1])).rejects.toThrow(
      'send echo requests from 10.5.0.77: EADDRNOTAVAIL',
    );
  });
});

test('connections of a mark are forgotten, the others are not', async () => {
  const flow = (port: number, mark: number) =>
    segment.run(
      'conntrack -I -p udp -s 192.168.1.9 -d 198.18.0.1 -t 100 ' +
        `--sport ${port} --dport 53 -m ${mark}`,
    );
  flow(1001, 0x1_0000);
  flow(1002, 0x1_0007);
  flow(1003, 0x2_0000);
  flow(1004, 0);
  await driver.call('forget', 0x1_0000, 0xff_0000);
  const left = segment.run('conntrack -L -p udp');
  expect([1001, 1002, 1003, 1004].filter((port) => left.includes(`sport=${port}`))).toEqual([
    1003, 1004,
  ]);
});
