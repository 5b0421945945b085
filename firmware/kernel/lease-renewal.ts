/**
 * Renews a lease by sending one frame from a macvlan: the egress rule of the lease table gives the
 * element its whole lifetime again and hands the frame to the loopback device. When the lease has
 * lapsed the frame is dropped, and the system call says so.
 */
import { constants } from 'node:os';
import { encodeEthernetHeader, ethertypes } from '../wire/ethernet-frame.ts';
import { checked, native } from './native-socket.ts';
import { PF_PACKET, packetAddress } from './packet-address.ts';

const { ENETDOWN, ENODEV, ENXIO } = constants.errno;

const SOCK_RAW = 3;
const LOOPBACK_INDEX = 1;
/** Classic BPF: return 0, take no byte of any packet. */
const TAKE_NOTHING = Uint8Array.of(0x06, 0, 0, 0, 0, 0, 0, 0);
/** Shortest frame without its check sequence (IEEE 802.3, 60 bytes). */
const FRAME_BYTES = 60;

const UNUSABLE = new Set([-ENXIO, -ENODEV, -ENETDOWN]);

/** What a renewal is sent with; made once per macvlan. */
export interface RenewalFrame {
  readonly frame: Uint8Array;
  readonly address: Uint8Array;
}

/**
 * The frame is addressed to the virtual MAC itself: should all rules be gone, a macvlan in bridge
 * mode still keeps it from the cable.
 */
export function renewalFrame(index: number, mac: string): RenewalFrame {
  const frame = new Uint8Array(FRAME_BYTES);
  const ethertype = ethertypes.leaseRenewal;
  encodeEthernetHeader({ destination: mac, source: mac, ethertype }, frame);
  return { frame, address: packetAddress(index, 0) };
}

export type RenewalOutcome = 'renewed' | 'lapsed' | 'unusable';

export class LeaseRenewal {
  readonly #fd: number;

  constructor() {
    // Bound, so that the loopback device does not count these frames as dropped for want of a
    // taker.
    this.#fd = checked(native.openSocket(PF_PACKET, SOCK_RAW, 0), 'open a packet socket');
    checked(native.attachFilter(this.#fd, TAKE_NOTHING), 'filter a packet socket');
    const address = packetAddress(LOOPBACK_INDEX, ethertypes.leaseRenewal);
    checked(native.bind(this.#fd, address), 'bind a packet socket to the loopback device');
  }

  /** `unusable`: this macvlan is down or gone; another of the group may do. */
  send({ frame, address }: RenewalFrame): RenewalOutcome {
    const sent = native.send(this.#fd, frame, frame.length, address);
    if (sent >= 0) return 'renewed';
    return UNUSABLE.has(sent) ? 'unusable' : 'lapsed';
  }

  close(): void {
    checked(native.close(this.#fd), 'close a packet socket');
  }
}
