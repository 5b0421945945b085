/** Requests to the kernel for records of real messages, attribute by attribute. */
import { describe, expect, it } from 'vitest';
import { FlowDecoder } from '../../firmware/wire/flow-decoder.ts';
import {
  FlowEncoder,
  type FlowRequest,
  flowRecordLength,
  LONGEST_FLOW_REQUEST,
} from '../../firmware/wire/flow-encoder.ts';
import { FlowFilter } from '../../firmware/wire/flow-filter.ts';
import { LONGEST_FLOW_RECORD } from '../../firmware/wire/flow-record.ts';
import { decodeAttributes, decodeNetlink } from '../../firmware/wire/netlink-message.ts';
import messages from './frames/ctnetlink-messages.json' with { type: 'json' };
import { bytes, hex } from './frames/recorded-frames.ts';

type MessageName = keyof typeof messages;

const LEAST = { stream: 432_000, quiet: 180 };
const rules = { ownAddresses: [], excludedNetworks: [], excludedProtocols: [] };

function recordOf(name: MessageName): Uint8Array {
  const message = bytes(messages[name]);
  const record = new Uint8Array(LONGEST_FLOW_RECORD);
  const [source, target] = [new DataView(message.buffer), new DataView(record.buffer)];
  const decoder = new FlowDecoder([1, 2, 3, 4], new FlowFilter(rules));
  return record.subarray(0, decoder.decode(source, 0, message.length, target, 0));
}

interface Requested {
  readonly type: number;
  readonly flags: number;
  readonly attributes: Readonly<Record<number, string>>;
}

/** Attributes by type, nested ones as their bytes. */
function requested(name: MessageName, request: FlowRequest): Requested {
  const record = recordOf(name);
  const out = new Uint8Array(LONGEST_FLOW_REQUEST).fill(0xa5);
  const encoder = new FlowEncoder(new DataView(out.buffer), LEAST);
  const length = encoder.encode(request, new DataView(record.buffer), 0, 0, 77);
  expect(hex(out.subarray(length, length + 4))).toBe('a5a5a5a5');
  const [message] = decodeNetlink(out.subarray(0, length));
  expect(message).toMatchObject({ sequence: 77, port: 0 });
  const attributes = decodeAttributes(message?.payload ?? new Uint8Array(), 4);
  return {
    type: message?.type ?? 0,
    flags: message?.flags ?? 0,
    attributes: Object.fromEntries([...attributes].map(([type, value]) => [type, hex(value)])),
  };
}

/** CTA_TUPLE_*: addresses and ports of TCP over IPv4. */
function tcpTuple(source: string, destination: string, ports: string): string {
  const [from, to] = [ports.slice(0, 4), ports.slice(4)];
  return (
    `14000180 08000100${source} 08000200${destination}` +
    `1c000280 0500010006000000 06000200${from}0000 06000300${to}0000`
  ).replaceAll(' ', '');
}

const [CLIENT, SERVER, VIP] = ['c0a80164', 'c6336464', 'c6336401'];
const ORIGINAL = tcpTuple(CLIENT, SERVER, 'b6fa0050');

describe('a flow the kernel does not have', () => {
  const create = requested('tcp-snat-established', 'create');

  it('is created, and only if it is not there', () => {
    expect(create).toMatchObject({ type: 0x100, flags: 0x601 });
  });

  it('has its original turned round for its reply, and what it is translated to', () => {
    expect(create.attributes).toMatchObject({
      1: ORIGINAL,
      2: tcpTuple(SERVER, CLIENT, '0050b6fa'),
      6: `08000100${VIP}08000200${VIP}14000380060001008033000006000200${'8033'}0000`,
    });
    expect(create.attributes).not.toHaveProperty('13');
  });

  it('is as far as it was, and liberal', () => {
    const state = '0500010003000000 050002000a000000 050003000a000000';
    const flags = '060004000b0f0000 060005000b0f0000';
    expect(create.attributes).toMatchObject({
      // Confirmed, assured, seen both ways; the bits of its NAT the kernel sets itself.
      3: '0000000e',
      4: `2c000180${state}${flags}`.replaceAll(' ', ''),
      7: '00069780',
    });
  });

  it('may have its destination translated', () => {
    const { attributes } = requested('tcp-dnat-established', 'create');
    expect(attributes[13]).toBe(
      `08000100${CLIENT}08000200${CLIENT}1400038006000100005000000600020000500000`,
    );
    expect(attributes[6]).toBe(
      `08000100${SERVER}08000200${SERVER}1400038006000100b07800000600020${'0b078'}0000`,
    );
  });

  it('keeps mark, labels and helper', () => {
    expect(requested('udp-snat-marked-and-labelled', 'create').attributes).toMatchObject({
      8: '00000007',
      22: '08000000000000000000000000000000',
    });
    expect(requested('ftp-established', 'create').attributes[5]).toBe('0800010066747000');
    expect(requested('ftp-established', 'create-plain').attributes).not.toHaveProperty('5');
  });

  it('gets a longer life if it is quiet, and none if it closes', () => {
    expect(requested('icmp-snat-answered', 'create').attributes[7]).toBe('000000b4');
    expect(requested('tcp-snat-time-wait', 'create').attributes[7]).toBe('00000078');
  });
});

describe('a flow the kernel has', () => {
  it('is changed without NAT and without helper, which it would refuse', () => {
    const { flags, attributes } = requested('ftp-established', 'update');
    expect(flags).toBe(1);
    expect(Object.keys(attributes)).toEqual(['1', '3', '4', '7']);
  });

  it('is removed by its original, or by its reply when it stands in the way', () => {
    const removal = requested('tcp-snat-established', 'remove');
    expect(removal).toMatchObject({ type: 0x102, flags: 1, attributes: { 1: ORIGINAL } });
    expect(Object.keys(removal.attributes)).toEqual(['1']);
    expect(requested('tcp-snat-established', 'remove-rival').attributes).toEqual({
      2: tcpTuple(SERVER, VIP, '00508033'),
    });
    expect(requested('udp-snat-destroyed', 'remove').type).toBe(0x102);
  });
});

describe('the length of a record', () => {
  const names = (Object.keys(messages) as MessageName[]).filter(
    (name) => !/syn-sent|expectation/.test(name),
  );
  it.each(names)('of %s is known, and no other', (name) => {
    const record = recordOf(name);
    const padded = new Uint8Array(record.length + 8);
    padded.set(record);
    const view = new DataView(padded.buffer);
    expect(flowRecordLength(view, 0, padded.length)).toBe(record.length);
    for (let available = 0; available < record.length; available += 1) {
      expect(flowRecordLength(view, 0, available)).toBe(0);
    }
    view.setUint16(0, record.length + 4, true);
    expect(flowRecordLength(view, 0, padded.length)).toBe(0);
  });
});
