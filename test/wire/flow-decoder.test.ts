/** Messages of a real kernel as records, and what is not made one. */
import { describe, expect, it } from 'vitest';
import { FlowDecoder } from '../../firmware/wire/flow-decoder.ts';
import { FlowFilter, type FlowFilterRules } from '../../firmware/wire/flow-filter.ts';
import { LONGEST_FLOW_RECORD } from '../../firmware/wire/flow-record.ts';
import { flowRefusals } from '../../firmware/wire/flow-refusals.ts';
import messages from './frames/ctnetlink-messages.json' with { type: 'json' };
import { bytes, hex } from './frames/recorded-frames.ts';

type MessageName = keyof typeof messages;

const NOTHING: FlowFilterRules = {
  ownAddresses: [],
  excludedNetworks: [],
  excludedProtocols: [],
};

function decoded(message: Uint8Array, rules: Partial<FlowFilterRules> = {}): string | number {
  const decoder = new FlowDecoder([1, 2, 3, 4], new FlowFilter({ ...NOTHING, ...rules }));
  const target = new Uint8Array(LONGEST_FLOW_RECORD + 4).fill(0xa5);
  const source = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const length = decoder.decode(source, 0, message.length, new DataView(target.buffer), 4);
  expect(target.subarray(0, 4)).toEqual(new Uint8Array(4).fill(0xa5));
  return length < 0 ? length : hex(target.subarray(4, 4 + length));
}

const recorded = (name: MessageName, rules?: Partial<FlowFilterRules>): string | number =>
  decoded(bytes(messages[name]), rules);

/** Without the key, which is a matter of its own. */
const plain = (record: string | number): string =>
  `${String(record).slice(0, 8)} ${String(record).slice(24)}`;

describe('a record', () => {
  // Length, operation, flags; timeout; protocol, shape, status; tuples with ports; TCP state,
  // scales and, of the flags for each direction, the lower four bits.
  const ORIGINAL = 'c0a80164c6336464';
  const REPLY = 'c6336464c6336401';
  it.each<[MessageName, string]>([
    [
      'tcp-snat-syn-received',
      `30000100 3c000000 06069a01 ${ORIGINAL} b6fa0050 ${REPLY} 00508033 02aa0303`,
    ],
    [
      'tcp-snat-established',
      `30000102 80970600 06069e01 ${ORIGINAL} b6fa0050 ${REPLY} 00508033 03aa0303`,
    ],
    [
      'tcp-snat-fin-wait',
      `30000102 78000000 06069e01 ${ORIGINAL} b6fa0050 ${REPLY} 00508033 04aa0703`,
    ],
    ['icmp-snat-answered', `2c000100 1e000000 01029a01 ${ORIGINAL} 29bc0800 ${REPLY} cff80000`],
    ['udp-snat-destroyed', `20000200 1d000000 11009a03 ${ORIGINAL} be391388`],
    [
      'tcp-dnat-established',
      '30000102 80970600 0606ae01 c6336464c6336401 b0781f90 c0a80164c6336464 0050b078 03aa0303',
    ],
  ])('of %s', (name, expected) => {
    expect(plain(recorded(name)).replaceAll(' ', '')).toBe(expected.replaceAll(' ', ''));
  });

  it('has what the kernel says once in its tail, and says so', () => {
    const labelled = String(recorded('udp-snat-marked-and-labelled'));
    expect(labelled.slice(4, 8)).toBe('0109');
    expect(labelled).toContain('1400160008000000');
    expect(labelled).toContain('07000000');
  });

  it('names the helper each time, which is nothing singular', () => {
    const record = String(recorded('ftp-established'));
    expect(record.slice(4, 8)).toBe('0102');
    expect(record).toContain('66747000');
  });

  it('of one flow has one name, whatever happens to it', () => {
    const key = (name: MessageName): string => String(recorded(name)).slice(8, 24);
    expect(key('tcp-snat-established')).toBe(key('tcp-snat-syn-received'));
    expect(key('udp-snat-destroyed')).toBe(key('udp-snat-marked-and-labelled'));
    expect(key('udp-ipv6-destroyed')).toBe(key('udp-ipv6-marked-and-labelled'));
    const all = new Set((Object.keys(messages) as MessageName[]).map((name) => key(name)));
    expect(all.size).toBeGreaterThan(8);
  });
});

describe('refused is', () => {
  it('TCP that nobody has answered', () => {
    expect(recorded('tcp-snat-syn-sent')).toBe(flowRefusals.premature);
    expect(recorded('ftp-syn-sent')).toBe(flowRefusals.premature);
  });

  it('what begins or really ends on this node, but not what it translates', () => {
    const own = (address: string) => ({ ownAddresses: [address] });
    expect(recorded('tcp-snat-established', own('192.168.1.100'))).toBe(flowRefusals.local);
    expect(recorded('tcp-snat-established', own('198.51.100.100'))).toBe(flowRefusals.local);
    expect(recorded('icmpv6-request', own('2001:db8:2::100'))).toBe(flowRefusals.local);
    // The address of the gateway that both are translated to.
    expect(recorded('tcp-snat-established', own('198.51.100.1'))).not.toBe(flowRefusals.local);
    expect(recorded('tcp-dnat-established', own('198.51.100.1'))).not.toBe(flowRefusals.local);
  });

  it('what the configuration leaves out', () => {
    const network = (address: string, prefix: number) => ({
      excludedNetworks: [{ address, prefix }],
    });
    const name = 'tcp-snat-established';
    expect(recorded(name, network('192.168.0.0', 16))).toBe(flowRefusals.excluded);
    expect(recorded(name, network('198.51.100.96', 29))).toBe(flowRefusals.excluded);
    expect(recorded(name, network('198.51.100.104', 29))).not.toBe(flowRefusals.excluded);
    expect(recorded('icmpv6-request', network('2001:db8:2::', 48))).toBe(flowRefusals.excluded);
    expect(recorded(name, { excludedProtocols: [6] })).toBe(flowRefusals.excluded);
  });

  it('what is about something else', () => {
    expect(recorded('ftp-expectation')).toBe(flowRefusals.foreign);
  });

  it('every message that is cut', () => {
    const whole = bytes(messages['udp-snat-marked-and-labelled']);
    const tuplesEnd = 20 + 2 * 0x34;
    for (let length = 0; length < tuplesEnd; length += 1) {
      expect(decoded(whole.slice(0, length))).toBe(flowRefusals.malformed);
    }
  });
});
