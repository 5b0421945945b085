/**
 * What a CARP advertisement's HMAC-SHA1 is computed over.
 *
 *     +------+------+------+--------------------+---------------------+------------+
 *     | 0x02 | 0x01 | vhid | every IPv4 VIP, 4  | every IPv6 VIP, 16  | counter, 8 |
 *     +------+------+------+--------------------+---------------------+------------+
 *
 * Version and type are a byte each here, unlike in the header. All VIPs of the VHID are hashed,
 * both families in the advertisements of either, without prefix lengths, each family ascending as
 * unsigned numbers, each address once. The all-zeros and all-ones addresses are never hashed: the
 * BSDs pick addresses lying strictly between the two. Of a link-local address bytes 2 and 3 are
 * zeroed, where BSD kernels keep the scope.
 *
 * FreeBSD hashes link-local VIPs; OpenBSD leaves them out when it sends and accepts either. We
 * accept either and send FreeBSD's.
 *
 * Not covered: advbase, advskew, demote, TTL and source. The digest keeps mistakes out, not
 * attackers.
 */
import { byteView } from './byte-view.ts';
import { compareAddressBytes, ipAddressBytes, isLinkLocalBytes } from './ip-address.ts';
import { equalDigests, hmacSha1 } from './keyed-digest.ts';

const HASHED_VERSION = 2;
const HASHED_TYPE = 1;
const SCOPE_START = 2;
const SCOPE_END = 4;

/** Longest password, bytes: ifconfig(8) truncates longer ones silently and ucarp refuses them. */
export const CARP_PASSWORD_BYTES_MAX = 19;

/** Whether link-local IPv6 VIPs are hashed (FreeBSD) or not (OpenBSD as sender). */
export type CarpDigestForm = 'with-link-local' | 'without-link-local';

export interface CarpDigestSubject {
  /**
   * Bytes, not characters; 0 to CARP_PASSWORD_BYTES_MAX of them. Empty is the BSDs' "no password".
   */
  readonly password: Uint8Array;
  readonly vhid: number;
  /**
   * All VIPs of the VHID, aliases and both families, in any order. What is hashed of a list is
   * remembered as long as the list lives: it must not change.
   */
  readonly addresses: readonly string[];
  /** Unsigned 64 bits. */
  readonly counter: bigint;
}

/** The 20-byte digest of one advertisement. */
export function carpDigest(
  subject: CarpDigestSubject & { readonly form: CarpDigestForm },
): Uint8Array {
  const { withLinkLocal, routable } = hashedAddresses(subject.addresses);
  const addresses =
    subject.form === 'with-link-local' ? withLinkLocal : (routable ?? withLinkLocal);
  return hmacSha1(subject.password, hashedBytes(subject, addresses));
}

/**
 * The form in which `digest` is right, or `undefined` when it is in neither. Without a link-local
 * VIP both forms are the same and `with-link-local` is answered.
 */
export function verifyCarpDigest(
  subject: CarpDigestSubject & { readonly digest: Uint8Array },
): CarpDigestForm | undefined {
  const { withLinkLocal, routable } = hashedAddresses(subject.addresses);
  const digest = hmacSha1(subject.password, hashedBytes(subject, withLinkLocal));
  if (equalDigests(digest, subject.digest)) return 'with-link-local';
  if (
    routable !== undefined &&
    equalDigests(hmacSha1(subject.password, hashedBytes(subject, routable)), subject.digest)
  ) {
    return 'without-link-local';
  }
  return undefined;
}

function hashedBytes({ vhid, counter }: CarpDigestSubject, addresses: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(3 + addresses.length + 8);
  bytes[0] = HASHED_VERSION;
  bytes[1] = HASHED_TYPE;
  bytes[2] = vhid;
  bytes.set(addresses, 3);
  byteView(bytes).setBigUint64(3 + addresses.length, counter);
  return bytes;
}

/** The addresses of a VHID as they are hashed. */
interface HashedAddresses {
  readonly withLinkLocal: Uint8Array;
  /** Undefined when it is the same. */
  readonly routable: Uint8Array | undefined;
}

const hashedLists = new WeakMap<readonly string[], HashedAddresses>();

function hashedAddresses(addresses: readonly string[]): HashedAddresses {
  const known = hashedLists.get(addresses);
  if (known !== undefined) return known;
  const all = addresses.map(ipAddressBytes);
  const routable = all.filter((bytes) => !isLinkLocalBytes(bytes));
  const hashed = {
    withLinkLocal: Buffer.concat(inHashedOrder(all)),
    routable: routable.length < all.length ? Buffer.concat(inHashedOrder(routable)) : undefined,
  };
  hashedLists.set(addresses, hashed);
  return hashed;
}

/** Those that count, in the order and form in which they are hashed. */
function inHashedOrder(addresses: readonly Uint8Array[]): Uint8Array[] {
  return addresses
    .map(withoutScope)
    .filter(
      (bytes) => !bytes.every((byte) => byte === 0x00) && !bytes.every((byte) => byte === 0xff),
    )
    .sort(compareAddressBytes)
    .filter((bytes, index, sorted) => {
      const previous = sorted[index - 1];
      return previous === undefined || compareAddressBytes(previous, bytes) !== 0;
    });
}

function withoutScope(bytes: Uint8Array): Uint8Array {
  return isLinkLocalBytes(bytes) ? bytes.fill(0, SCOPE_START, SCOPE_END) : bytes;
}
