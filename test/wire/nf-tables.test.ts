import { describe, expect, test } from 'vitest';
import * as nft from '../../firmware/wire/nf-tables.ts';
import { bytes } from './frames/recorded-frames.ts';
import { attributeTree, requestTree, type Tree } from './netlink-tree.ts';

/*
 * What strace saw `nft -f` (1.0.6) send for
 *
 *     table netdev yoke {
 *       set lease { type devgroup; flags dynamic,timeout; size 65535; timeout 48ms; }
 *       chain group-7 { comment "x"; }
 *       map vips4 { type ipv4_addr : verdict; elements = { 10.5.0.1 : goto group-7 } }
 *       chain out { type filter hook egress device "vip7.2" priority -500; policy drop;
 *         @ll,96,16 0x88b5 oifgroup @lease update @lease { oifgroup timeout 48ms } fwd to "lo"
 *         oifgroup @lease accept
 *         ether type arp arp saddr ip vmap @vips4
 *         oifgroup != @lease drop
 *       }
 *     }
 */
const TABLE = '09000100796f6b6500000000';
const OUT = '080002006f757400';
const META_GROUP = '24000180090001006d6574610000000014000280080002000000001608000100 00000001';
const IN_LEASE =
  '30000180 0b0001006c6f6f6b75700000 200002800800020000000001 0a0001006c65617365000000';
const LEASE_ID = '0800040000000001';
const VERDICT =
  '30000180 0e000100696d6d6564696174650000 00 1c0002800800010000000000 100002800c00028008000100';
const LOAD = '34000180 0c0001007061796c6f616400 24000280 0800010000000001';
const COMPARE =
  '2c000180 08000100636d7000 200002800800010000000001 0800020000000000 0c00038006000100';

const RECORDED = {
  table: `${TABLE} 0800020000000000`,
  chain: `${TABLE} 0c00030067726f75702d3700 08000c0000027800`,
  base: `${TABLE} 080003006f757400 0b00070066696c7465720000 0800050000000000
    200004800800010000000001 08000200fffffe0c 0b000300766970372e320000`,
  set: `${TABLE} 0a0002006c65617365000000 0800030000000030 0800040000000023 0800050000000004
    08000a0000000001 0c000980080001000000ffff 0c000b000000000000000030 0a000d000004010000000000`,
  // Its notes name the order of data too, and that it is no interval.
  map: `${TABLE} 0a000200766970733400 0000 0800030000000008 0800040000000007 0800050000000004
    08000600ffffff00 0800070000000000 08000a0000000002 0a000d00000402000000 0000`,
  elements: `${TABLE} 0a000200766970733400 0000 30000380 2c000180 0c000180080001000a050001
    1c000280 18000280 08000100fffffffc 0c00020067726f75702d3700`,
  renewal: `${TABLE} ${OUT} 64010480 ${LOAD} 0800020000000000 080003000000000c 0800040000000002
    ${COMPARE} 88b50000 ${META_GROUP} ${IN_LEASE} ${LEASE_ID} ${META_GROUP}
    440001800b00010064796e7365740000 34000280 0800040000000001 0800030000000001
    0c0006000000000000000030 0a0001006c65617365000000 0800020000000001
    2c0001800e000100696d6d6564696174650000001800028008000100000000010c0002800800010001000000
    1800018008000100667764000c0002800800010000000001`,
  accept: `${TABLE} ${OUT} 88000480 ${META_GROUP} ${IN_LEASE} ${LEASE_ID} ${VERDICT} 00000001`,
  drop: `${TABLE} ${OUT} 90000480 ${META_GROUP}
    38000180 0b0001006c6f6f6b75700000 280002800800020000000001 0a0001006c65617365000000
    ${LEASE_ID} 0800050000000001 ${VERDICT} 00000000`,
} as const;

function recorded(name: keyof typeof RECORDED): Tree {
  return attributeTree(bytes(RECORDED[name].replaceAll(/\s/g, '')));
}

/** nft names sets by number too, which only a set made in the same transaction needs. */
function withoutNumbers(tree: Tree): Tree {
  return tree.map(([type, value]) => {
    if (typeof value === 'string') return [type, value];
    const isLookup = value.some(([, inner]) => inner === '6c6f6f6b757000');
    const inner = withoutNumbers(value);
    if (!isLookup) return [type, inner];
    return [type, inner.map(([part, of]) => [part, part === 2 ? dropNumber(of) : of])];
  });
}

function dropNumber(of: string | Tree): string | Tree {
  return typeof of === 'string' ? of : of.filter(([type]) => type !== 4);
}

const rule = (...expressions: Parameters<typeof nft.newRule>[0]['expressions']) =>
  nft.newRule({ table: 'yoke', chain: 'out', expressions });
const group = nft.loadMeta(nft.metaKeys.outputGroup);
const held = [group, nft.matchInSet('lease')];

describe('requests are what `nft` sends', () => {
  test.each([
    ['table', nft.newTable('yoke', 0)],
    ['chain', nft.newChain({ table: 'yoke', name: 'group-7', comment: 'x' })],
    [
      'set',
      nft.newSet({
        table: 'yoke',
        name: 'lease',
        id: 1,
        flags: nft.setFlags.timeout | nft.setFlags.evaluated,
        key: { type: nft.keyTypes.deviceGroup, length: 4, hostOrder: true },
        timeout: 48,
        size: 65_535,
      }),
    ],
    [
      'map',
      nft.newSet({
        table: 'yoke',
        name: 'vips4',
        id: 2,
        flags: 0,
        key: { type: nft.keyTypes.ipv4Address, length: 4, hostOrder: false },
        toChains: true,
      }),
    ],
    [
      'elements',
      nft.newElements({
        table: 'yoke',
        set: 'vips4',
        elements: [{ key: bytes('0a050001'), chain: 'group-7' }],
      }),
    ],
    [
      'renewal',
      rule(
        nft.loadPayload(nft.payloadBases.link, 12, 2),
        nft.matchEqual(bytes('88b5')),
        ...held,
        group,
        nft.updateSet('lease', 1, 48),
        nft.loadConstant(bytes('01000000')),
        nft.forward,
      ),
    ],
    ['accept', rule(...held, nft.decide(nft.verdicts.accept))],
    ['drop', rule(group, nft.matchNotInSet('lease'), nft.decide(nft.verdicts.drop))],
  ] as const)('%s', (name, request) => {
    const [type, header, tree] = requestTree(request);
    expect(type >> 8).toBe(10);
    expect(header).toBe('05000000');
    expect(tree).toEqual(withoutNumbers(recorded(name)));
  });

  test('base chain, with a comment of ours', () => {
    const base = { hook: nft.hooks.egress, device: 'vip7.2', priority: -500, policy: 0 };
    const [, , tree] = requestTree(
      nft.newChain({ table: 'yoke', name: 'out', base, comment: 'y' }),
    );
    expect(tree.filter(([type]) => type !== 12)).toEqual(recorded('base'));
    expect(tree.find(([type]) => type === 12)).toEqual([12, '00027900']);
  });

  test('batches name their subsystem', () => {
    expect(requestTree(nft.batchBegin)).toEqual([0x10, '0000000a', []]);
    expect(requestTree(nft.batchEnd)).toEqual([0x11, '0000000a', []]);
  });
});

describe('requests nft was not recorded with', () => {
  const TABLE_NAME = [1, '796f6b6500'];
  test.each([
    ['delete a table', nft.deleteTable('yoke'), 2],
    ['get a table', nft.getTable('yoke'), 1],
  ])('%s', (_, request, type) => {
    expect(requestTree(request)).toEqual([(10 << 8) | type, '05000000', [TABLE_NAME]]);
  });

  test('rules go before their chain', () => {
    expect(requestTree(nft.deleteRules('yoke', 'out'))[2]).toEqual([TABLE_NAME, [2, '6f757400']]);
    expect(requestTree(nft.deleteChain('yoke', 'out'))[2]).toEqual([TABLE_NAME, [3, '6f757400']]);
  });

  test('an element may have its own remaining time', () => {
    const list = {
      table: 'yoke',
      set: 'lease',
      elements: [{ key: bytes('01000000'), expiration: 9 }],
    };
    expect(requestTree(nft.newElements(list))[2].at(-1)).toEqual([
      3,
      [
        [
          1,
          [
            [1, [[1, '01000000']]],
            [5, '0000000000000009'],
          ],
        ],
      ],
    ]);
  });
});

describe('answers and events', () => {
  const message = (type: number, payload: string) => ({
    type: (10 << 8) | type,
    flags: 0,
    sequence: 0,
    port: 0,
    payload: bytes(payload.replaceAll(' ', '')),
  });

  test('tell to which socket a table belongs', () => {
    expect(nft.decodeTableOwner(message(0, `05000000 ${TABLE}`))).toBe(0);
    expect(nft.decodeTableOwner(message(0, `05000000 ${TABLE} 0800070000001234`))).toBe(0x1234);
    expect(nft.decodeTableOwner(message(3, `05000000 ${TABLE}`))).toBeUndefined();
  });

  test.each([
    ['a chain removed', 5, { table: 'yoke', removed: true }],
    ['a rule added', 6, { table: 'yoke', removed: false }],
    ['an element added', 12, undefined],
    ['a new generation', 15, undefined],
  ])('tell of a netdev table: %s', (_, type, event) => {
    expect(nft.decodeTableEvent(message(type, `05000000 ${TABLE}`))).toEqual(event);
  });

  test('of other families and subsystems say nothing', () => {
    expect(nft.decodeTableEvent(message(5, `02000000 ${TABLE}`))).toBeUndefined();
    expect(nft.decodeTableEvent({ ...message(5, `05000000 ${TABLE}`), type: 5 })).toBeUndefined();
    expect(nft.decodeTableEvent(message(5, '05000000'))).toBeUndefined();
  });
});
