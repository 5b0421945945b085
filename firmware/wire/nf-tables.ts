/**
 * nf_tables over nfnetlink (linux/netfilter/nf_tables.h, nfnetlink.h): tables, sets, chains, rules
 * and set elements of family netdev, in transactions. Only what the lease table needs.
 *
 * All integers of nf_tables are in network byte order, except data that is compared with registers:
 * that has the order of what was loaded (device groups: the machine's, packet fields: network).
 */
import { byteView } from './byte-view.ts';
import {
  type AttributeMap,
  bytesAttribute,
  decodeAttributes,
  type NetlinkAttribute,
  type NetlinkMessage,
  type NetlinkRequest,
  nested,
  netlinkFlags,
  readText,
  text,
  u32Be,
  u64Be,
} from './netlink-message.ts';

const SUBSYSTEM = 10;
const FAMILY_NETDEV = 5;
const BATCH_BEGIN = 0x10;
const BATCH_END = 0x11;

/** NFT_MSG_*. */
const types = {
  newTable: 0,
  getTable: 1,
  deleteTable: 2,
  newChain: 3,
  deleteChain: 5,
  newRule: 6,
  deleteRule: 8,
  newSet: 9,
  deleteSet: 11,
  newElement: 12,
  deleteElement: 14,
} as const;

/** Multicast group of nf_tables events (NFNLGRP_NFTABLES). */
export const NF_TABLES_GROUP = 7;

/** NFT_TABLE_F_*. */
export const tableFlags = {
  /** Only the socket that made the table may change it (Linux 5.12). */
  owner: 0x2,
  /** The table outlives that socket (Linux 6.9). */
  persist: 0x4,
} as const;

/** NFT_SET_*. */
export const setFlags = { map: 0x08, timeout: 0x10, evaluated: 0x20 } as const;

/** Types of keys as the `nft` tool numbers them; the kernel only stores them. */
export const keyTypes = { ipv4Address: 7, ipv6Address: 8, deviceGroup: 35 } as const;
/** The one type of data the kernel knows (NFT_DATA_VERDICT). */
const VERDICT_DATA = 0xffffff00;

/** Byte order of keys and data as the `nft` tool numbers it, so that it can print them. */
const HOST_ORDER = 1;
const NETWORK_ORDER = 2;
/** Types of the notes (NFTNL_UDATA_*) the `nft` tool keeps with sets and chains. */
const NOTE_KEY_ORDER = 0;
const NOTE_COMMENT = 0;

/** NF_NETDEV_*. */
export const hooks = { ingress: 0, egress: 1 } as const;

/** Verdicts (linux/netfilter.h). */
export const verdicts = { drop: 0, accept: 1 } as const;
/** NFT_GOTO: on with another chain, then with the policy of the first. */
const GOTO = -4;

/** Registers: the verdict, and 16 bytes to load into. */
const VERDICT_REGISTER = 0;
const REGISTER = 1;

function header(resource = 0, family = FAMILY_NETDEV): Uint8Array {
  const bytes = new Uint8Array(4);
  bytes[0] = family;
  byteView(bytes).setUint16(2, resource);
  return bytes;
}

function message(
  type: number,
  flags: number,
  attributes: readonly NetlinkAttribute[],
): NetlinkRequest {
  return { type: (SUBSYSTEM << 8) | type, flags, header: header(), attributes };
}

/** What stands between these two is done as a whole, or not at all. */
export const batchBegin: NetlinkRequest = {
  type: BATCH_BEGIN,
  flags: 0,
  header: header(SUBSYSTEM, 0),
  attributes: [],
};
export const batchEnd: NetlinkRequest = { ...batchBegin, type: BATCH_END };

// ---- tables

/** NFTA_TABLE_*. */
const table = { name: 1, flags: 2, owner: 7 } as const;

export function newTable(name: string, flags: number): NetlinkRequest {
  return message(types.newTable, netlinkFlags.create, [
    text(table.name, name),
    u32Be(table.flags, flags),
  ]);
}

/** Removes a table with all in it. ENOENT when there is none. */
export function deleteTable(name: string): NetlinkRequest {
  return message(types.deleteTable, 0, [text(table.name, name)]);
}

/** Asks for one table; ENOENT when there is none. */
export function getTable(name: string): NetlinkRequest {
  return message(types.getTable, 0, [text(table.name, name)]);
}

/** Port of the socket a table belongs to, 0 for none; undefined when this is not a table. */
export function decodeTableOwner({ type, payload }: NetlinkMessage): number | undefined {
  if (type !== ((SUBSYSTEM << 8) | types.newTable)) return undefined;
  const owner = decodeAttributes(payload, 4).get(table.owner);
  return owner?.length === 4 ? byteView(owner).getUint32(0) : 0;
}

// ---- sets

/** NFTA_SET_*. */
const set = {
  table: 1,
  name: 2,
  flags: 3,
  keyType: 4,
  keyLength: 5,
  dataType: 6,
  dataLength: 7,
  description: 9,
  id: 10,
  timeout: 11,
  notes: 13,
} as const;
/** NFTA_SET_DESC_SIZE. */
const DESCRIPTION_SIZE = 1;

export interface SetRecord {
  readonly table: string;
  readonly name: string;
  /** Unique in the transaction. */
  readonly id: number;
  readonly flags: number;
  readonly key: { readonly type: number; readonly length: number; readonly hostOrder: boolean };
  /** A map from keys to chains to go on with. */
  readonly toChains?: boolean;
  /** How long elements live, milliseconds. */
  readonly timeout?: number;
  /** Most elements; needed for sets that rules add to. */
  readonly size?: number;
}

export function newSet(record: SetRecord): NetlinkRequest {
  const { key, toChains = false, timeout, size } = record;
  const attributes = [
    text(set.table, record.table),
    text(set.name, record.name),
    u32Be(set.flags, record.flags | (toChains ? setFlags.map : 0)),
    u32Be(set.keyType, key.type),
    u32Be(set.keyLength, key.length),
    ...(toChains ? [u32Be(set.dataType, VERDICT_DATA), u32Be(set.dataLength, 0)] : []),
    ...(size === undefined ? [] : [nested(set.description, [u32Be(DESCRIPTION_SIZE, size)])]),
    u32Be(set.id, record.id),
    ...(timeout === undefined ? [] : [u64Be(set.timeout, timeout)]),
    bytesAttribute(set.notes, setNotes(record)),
  ];
  return message(types.newSet, netlinkFlags.create, attributes);
}

/** Notes are type, length, value; without this one `nft list` cannot print elements. */
function setNotes({ key: { hostOrder } }: SetRecord): Uint8Array {
  return Uint8Array.of(NOTE_KEY_ORDER, 4, hostOrder ? HOST_ORDER : NETWORK_ORDER, 0, 0, 0);
}

// ---- elements

/** NFTA_SET_ELEM_LIST_*, NFTA_SET_ELEM_*, NFTA_DATA_*, NFTA_LIST_ELEM. */
const elements = { table: 1, set: 2, elements: 3 } as const;
const element = { key: 1, data: 2, timeout: 4, expiration: 5 } as const;
const data = { value: 1, verdict: 2 } as const;
/** NFTA_VERDICT_*. */
const verdictPart = { code: 1, chain: 2 } as const;
const LIST_ELEMENT = 1;

function verdictData(code: number, target?: string): NetlinkAttribute {
  const to = target === undefined ? [] : [text(verdictPart.chain, target)];
  return nested(data.verdict, [u32Be(verdictPart.code, code), ...to]);
}

export interface SetElement {
  readonly key: Uint8Array;
  /** Chain to go on with, of a map. */
  readonly chain?: string;
  /** How long it lives, milliseconds, when the set does not say. */
  readonly timeout?: number;
  /** Milliseconds it still lives, when that differs from its timeout. */
  readonly expiration?: number;
}

export interface ElementList {
  readonly table: string;
  readonly set: string;
  readonly elements: readonly SetElement[];
}

/** Adding an element that is there already changes nothing and succeeds. */
export function newElements(list: ElementList): NetlinkRequest {
  return message(types.newElement, netlinkFlags.create, elementAttributes(list));
}

/** ENOENT when one of them is not there (or has expired). */
export function deleteElements(list: ElementList): NetlinkRequest {
  return message(types.deleteElement, 0, elementAttributes(list));
}

function elementAttributes(list: ElementList): NetlinkAttribute[] {
  const each = ({ key, chain: target, timeout, expiration }: SetElement): NetlinkAttribute =>
    nested(LIST_ELEMENT, [
      nested(element.key, [bytesAttribute(data.value, key)]),
      ...(target === undefined ? [] : [nested(element.data, [verdictData(GOTO, target)])]),
      ...(timeout === undefined ? [] : [u64Be(element.timeout, timeout)]),
      ...(expiration === undefined ? [] : [u64Be(element.expiration, expiration)]),
    ]);
  return [
    text(elements.table, list.table),
    text(elements.set, list.set),
    nested(elements.elements, list.elements.map(each)),
  ];
}

// ---- chains and rules

/** NFTA_CHAIN_*, NFTA_HOOK_*, NFTA_RULE_*. */
const chain = { table: 1, name: 3, hook: 4, policy: 5, type: 7, notes: 12 } as const;
const hook = { number: 1, priority: 2, device: 3 } as const;
const rule = { table: 1, chain: 2, expressions: 4 } as const;

/** Where packets enter a chain. */
export interface BaseChain {
  readonly hook: number;
  /** Must exist. */
  readonly device: string;
  /** Lower runs earlier. */
  readonly priority: number;
  readonly policy: number;
}

export interface ChainRecord {
  readonly table: string;
  readonly name: string;
  /** Absent for a chain that only other chains lead to. */
  readonly base?: BaseChain;
  /** For people who list the rules. */
  readonly comment: string;
}

export function newChain(record: ChainRecord): NetlinkRequest {
  const comment = Array.from(`${record.comment}\0`, (letter) => letter.charCodeAt(0));
  return message(types.newChain, netlinkFlags.create, [
    text(chain.table, record.table),
    text(chain.name, record.name),
    ...(record.base === undefined ? [] : baseAttributes(record.base)),
    bytesAttribute(chain.notes, Uint8Array.of(NOTE_COMMENT, comment.length, ...comment)),
  ]);
}

function baseAttributes(base: BaseChain): NetlinkAttribute[] {
  return [
    nested(chain.hook, [
      u32Be(hook.number, base.hook),
      u32Be(hook.priority, base.priority),
      text(hook.device, base.device),
    ]),
    u32Be(chain.policy, base.policy),
    text(chain.type, 'filter'),
  ];
}

/** Its rules must be gone. ENOENT when there is no such chain. */
export function deleteChain(tableName: string, name: string): NetlinkRequest {
  return message(types.deleteChain, 0, [text(chain.table, tableName), text(chain.name, name)]);
}

/** All rules of a chain. */
export function deleteRules(tableName: string, chainName: string): NetlinkRequest {
  return message(types.deleteRule, 0, [text(rule.table, tableName), text(rule.chain, chainName)]);
}

export interface RuleRecord {
  readonly table: string;
  readonly chain: string;
  readonly expressions: readonly NetlinkAttribute[];
}

/** Appended to its chain. */
export function newRule(record: RuleRecord): NetlinkRequest {
  return message(types.newRule, netlinkFlags.create | netlinkFlags.append, [
    text(rule.table, record.table),
    text(rule.chain, record.chain),
    nested(rule.expressions, record.expressions),
  ]);
}

// ---- expressions: each loads into, or works on, one register

/** NFTA_EXPR_*. */
const expression = { name: 1, data: 2 } as const;

function express(name: string, attributes: readonly NetlinkAttribute[]): NetlinkAttribute {
  return nested(LIST_ELEMENT, [text(expression.name, name), nested(expression.data, attributes)]);
}

/** NFT_META_*. */
export const metaKeys = { protocol: 1, inputGroup: 21, outputGroup: 22 } as const;

/** Loads a property of the packet. */
export function loadMeta(key: number): NetlinkAttribute {
  return express('meta', [u32Be(2, key), u32Be(1, REGISTER)]);
}

/** NFT_PAYLOAD_*: where offsets count from. */
export const payloadBases = { link: 0, network: 1 } as const;

/** Loads bytes of the packet. */
export function loadPayload(base: number, offset: number, length: number): NetlinkAttribute {
  return express('payload', [
    u32Be(1, REGISTER),
    u32Be(2, base),
    u32Be(3, offset),
    u32Be(4, length),
  ]);
}

/** Goes on with the rule only when what was loaded equals `value`. */
export function matchEqual(value: Uint8Array): NetlinkAttribute {
  return express('cmp', [
    u32Be(1, REGISTER),
    u32Be(2, 0),
    nested(3, [bytesAttribute(data.value, value)]),
  ]);
}

/** Goes on with the rule only when what was loaded is one of `first` to `last`, as one byte. */
export function matchRange(first: number, last: number): NetlinkAttribute {
  return express('range', [
    u32Be(1, REGISTER),
    u32Be(2, 0),
    nested(3, [bytesAttribute(data.value, Uint8Array.of(first))]),
    nested(4, [bytesAttribute(data.value, Uint8Array.of(last))]),
  ]);
}

/** Overwrites bytes of the packet with what was loaded. */
export function storePayload(base: number, offset: number, length: number): NetlinkAttribute {
  return express('payload', [
    u32Be(5, REGISTER),
    u32Be(2, base),
    u32Be(3, offset),
    u32Be(4, length),
  ]);
}

/** Goes on with the rule only when what was loaded is in the set. */
export function matchInSet(name: string): NetlinkAttribute {
  return express('lookup', [text(1, name), u32Be(2, REGISTER)]);
}

/** Goes on with the rule only when what was loaded is not in the set. */
export function matchNotInSet(name: string): NetlinkAttribute {
  return express('lookup', [text(1, name), u32Be(2, REGISTER), u32Be(5, 1)]);
}

/** Goes on with the chain the map names for what was loaded; else with the next rule. */
export function goByMap(name: string): NetlinkAttribute {
  return express('lookup', [text(1, name), u32Be(2, REGISTER), u32Be(3, VERDICT_REGISTER)]);
}

/** Adds what was loaded to the set, or gives it its whole lifetime again (milliseconds). */
export function updateSet(name: string, setId: number, timeout: number): NetlinkAttribute {
  return express('dynset', [
    text(1, name),
    u32Be(2, setId),
    u32Be(3, 1),
    u32Be(4, REGISTER),
    u64Be(6, timeout),
  ]);
}

/** Loads a constant, in the machine's byte order. */
export function loadConstant(value: Uint8Array): NetlinkAttribute {
  return express('immediate', [u32Be(1, REGISTER), nested(2, [bytesAttribute(data.value, value)])]);
}

/** Hands the packet to the device whose index was loaded. */
export const forward: NetlinkAttribute = express('fwd', [u32Be(1, REGISTER)]);

/** Goes on with another chain, and after that with the policy. */
export function goTo(target: string): NetlinkAttribute {
  return express('immediate', [u32Be(1, VERDICT_REGISTER), nested(2, [verdictData(GOTO, target)])]);
}

/** Ends all rules for the packet. */
export function decide(verdict: number): NetlinkAttribute {
  return express('immediate', [u32Be(1, VERDICT_REGISTER), nested(2, [verdictData(verdict)])]);
}

// ---- events

export interface TableEvent {
  /** Name of the table something was changed in. */
  readonly table: string;
  readonly removed: boolean;
}

const REMOVALS: ReadonlySet<number> = new Set([
  types.deleteTable,
  types.deleteChain,
  types.deleteRule,
  types.deleteSet,
  types.deleteElement,
]);
const ADDITIONS: ReadonlySet<number> = new Set([types.newChain, types.newRule, types.newSet]);

/** A change of a netdev table, or undefined for everything else. */
export function decodeTableEvent({ type, payload }: NetlinkMessage): TableEvent | undefined {
  const kind = type & 0xff;
  if (type >> 8 !== SUBSYSTEM || payload[0] !== FAMILY_NETDEV) return undefined;
  if (!REMOVALS.has(kind) && !ADDITIONS.has(kind)) return undefined;
  // All of them carry the table's name as attribute 1.
  const attributes: AttributeMap = decodeAttributes(payload, 4);
  const name = readText(attributes, table.name);
  return name === undefined ? undefined : { table: name, removed: REMOVALS.has(kind) };
}
