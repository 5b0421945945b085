/**
 * Netlink attributes as a tree that can be compared: the kernel does not look at their order, and
 * tools write them in other orders than we do.
 */
import { byteView } from '../../firmware/wire/byte-view.ts';
import { encodeNetlink, type NetlinkRequest } from '../../firmware/wire/netlink-message.ts';
import { hex } from './frames/recorded-frames.ts';

export type Tree = readonly (readonly [number, string | Tree])[];

const NESTED = 0x8000;

/** Attributes sorted by type; those of one type keep their order. */
export function attributeTree(bytes: Uint8Array): Tree {
  const view = byteView(bytes);
  const tree: [number, string | Tree][] = [];
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = view.getUint16(at, true);
    const type = view.getUint16(at + 2, true);
    const value = bytes.subarray(at + 4, at + length);
    tree.push([type & ~NESTED, type & NESTED ? attributeTree(value) : hex(value)]);
    at += (length + 3) & ~3;
  }
  return tree.sort(([one], [other]) => one - other);
}

/** A request as its type, its family header in hex and its attributes. */
export function requestTree(request: NetlinkRequest): [number, string, Tree] {
  const bytes = encodeNetlink([request], 0);
  const body = 16 + request.header.length;
  const header = hex(bytes.subarray(16, body));
  return [request.type, header, attributeTree(bytes.subarray(body))];
}
