/** Connections of a mark are forgotten, so that their next packet begins new ones. */

import { conntrackTypes, flowAttributes } from '../wire/ctnetlink.ts';
import { u32Be } from '../wire/netlink-message.ts';
import { NetlinkSocket, protocols } from './netlink-socket.ts';

/** CTA_MARK_MASK. */
const MARK_MASK = 21;
/** struct nfgenmsg of any family: family, version, resource. */
const HEADER = new Uint8Array(4);

/** Throws KernelError when the kernel refuses. */
export function forgetMarkedFlows(mark: number, mask: number): void {
  const socket = new NetlinkSocket(protocols.netfilter);
  try {
    const attributes = [u32Be(flowAttributes.mark, mark), u32Be(MARK_MASK, mask)];
    const request = { type: conntrackTypes.deleteFlow, flags: 0, header: HEADER, attributes };
    const what = `forget connections of mark 0x${mark.toString(16)}`;
    socket.perform([request], { code: 'socket-failed', what });
  } finally {
    socket.close();
  }
}
