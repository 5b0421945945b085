/** What begins or ends on this node is not taken over from the peer. */
import { expect, it } from 'vitest';
import { ShadowFlows } from '../../firmware/service/shadow-flows.ts';
import { FlowDecoder } from '../../firmware/wire/flow-decoder.ts';
import { FlowFilter } from '../../firmware/wire/flow-filter.ts';
import { LONGEST_FLOW_RECORD } from '../../firmware/wire/flow-record.ts';
import messages from '../wire/frames/ctnetlink-messages.json' with { type: 'json' };
import { bytes } from '../wire/frames/recorded-frames.ts';

const filterOf = (...ownAddresses: string[]): FlowFilter =>
  new FlowFilter({ ownAddresses, excludedNetworks: [], excludedProtocols: [] });

function recordOf(name: keyof typeof messages): Uint8Array {
  const message = bytes(messages[name]);
  const record = new Uint8Array(LONGEST_FLOW_RECORD);
  const [source, target] = [new DataView(message.buffer), new DataView(record.buffer)];
  const decoder = new FlowDecoder([1, 2, 3, 4], filterOf());
  return record.subarray(0, decoder.decode(source, 0, message.length, target, 0));
}

const OPERATION_AT = 2;
const STREAM = recordOf('tcp-snat-established');
const DNAT = recordOf('tcp-dnat-established');

/** Operations of two records, one after the other, when these addresses are this node's. */
function sifted(shadows: ShadowFlows, ...own: string[]): [number | undefined, number | undefined] {
  const both = Buffer.concat([STREAM, DNAT]);
  shadows.sift(both, both.length, filterOf(...own));
  return [both[OPERATION_AT], both[STREAM.length + OPERATION_AT]];
}

it('leaves out what this node began, and what it answers behind a port forward', () => {
  expect(sifted(new ShadowFlows())).toEqual([1, 1]);
  // The client began the one and answers the other.
  expect(sifted(new ShadowFlows(), '192.168.1.100')).toEqual([0xff, 0xff]);
  // The address both are translated to is nobody's end.
  expect(sifted(new ShadowFlows(), '198.51.100.1')).toEqual([1, 1]);
});

it('remembers them as they were, until they end', () => {
  const shadows = new ShadowFlows();
  const udp = recordOf('udp-snat-marked-and-labelled');
  shadows.sift(udp.slice(), udp.length, filterOf('192.168.1.100'));
  expect(shadows.records()).toEqual([Uint8Array.from(udp)]);
  const end = recordOf('udp-snat-destroyed');
  shadows.sift(end.slice(), end.length, filterOf('192.168.1.100'));
  expect(shadows.records()).toEqual([]);
});

it('does not stumble over what is no record', () => {
  const shadows = new ShadowFlows();
  for (const junk of [new Uint8Array(0), new Uint8Array(3), new Uint8Array(64).fill(0xff)]) {
    shadows.sift(junk, junk.length, filterOf('192.168.1.100'));
  }
  expect(shadows.records()).toEqual([]);
});
