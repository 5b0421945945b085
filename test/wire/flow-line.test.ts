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
  expect(flowLine(bytes(messages[name]))).toEqual({ text, bytes: 0 });
});

it('says nothing of what is no flow, or not whole', () => {
  expect(flowLine(bytes(messages['ftp-expectation']))).toBeUndefined();
  expect(flowLine(bytes(messages['tcp-snat-established']).subarray(0, 60))).toBeUndefined();
  expect(flowLine(new Uint8Array(8))).toBeUndefined();
});
