/** Messages of a real kernel as people read them. */
import { expect, it } from 'vitest';
import { flowLine } from '../../firmware/wire/flow-line.ts';
import messages from './frames/ctnetlink-messages.json' with { type: 'json' };
import { bytes } from './frames/recorded-frames.ts';

it.each<[keyof typeof messages, string]>([
  [
    'tcp-snat-established',
    'tcp  ESTABLISHED  192.168.1.100:46842 -> 198.51.100.100:80 ' +
      '(answered 198.51.100.100:80 -> 198.51.100.1:32819)  assured  432000 s',
  ],
  [
    'tcp-ipv6-established',
    'tcp  ESTABLISHED  2001:db8:1::100:39602 -> 2001:db8:2::100:80  assured  432000 s',
  ],
  [
    'udp-snat-marked-and-labelled',
    'udp  192.168.1.100:48697 -> 198.51.100.100:5000 ' +
      '(answered 198.51.100.100:5000 -> 198.51.100.1:45973)  unanswered  30 s  mark 7',
  ],
  [
    'icmpv6-request',
    'icmpv6  2001:db8:1::100 -> 2001:db8:2::100 type 128 id 10685  unanswered  30 s',
  ],
])('%s', (name, text) => {
  expect(flowLine(bytes(messages[name]))).toMatchObject({ text, bytes: 0 });
});

it('tells what the kernel has counted both ways, and flows with the same ends apart', () => {
  const message = bytes(messages['tcp-snat-established']);
  const counters = (type: number, packets: number, octets: number): number[] => {
    const values = [packets, octets].flatMap((value, index) => [
      ...[12, 0, index + 1, 0],
      ...[0, 0, 0, 0, 0, 0, value >>> 8, value & 0xff],
    ]);
    return [28, 0, type, 0x80, ...values];
  };
  const rare = [...counters(9, 3, 300), ...counters(10, 2, 1000), 8, 0, 12, 0, 0, 0, 0, 7];
  const line = flowLine(Uint8Array.from([...message, ...rare]));
  expect(line).toMatchObject({
    bytes: 1300,
    text: expect.stringMatching(/5 packets {2}1300 bytes/),
  });
  expect(line?.identity).not.toBe(flowLine(message)?.identity);
});

it('says nothing of what is no flow, or not whole', () => {
  expect(flowLine(bytes(messages['ftp-expectation']))).toBeUndefined();
  expect(flowLine(bytes(messages['tcp-snat-established']).subarray(0, 60))).toBeUndefined();
  expect(flowLine(new Uint8Array(8))).toBeUndefined();
});
