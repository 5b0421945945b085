/**
 * What the machine refused. Thrown by the kernel room only; service turns it into an input, and the
 * machines of core decide what follows. Never carries anything a peer sent.
 */
import { getSystemErrorName } from 'node:util';

/** Stable: named in logs and tests. */
export type KernelErrorCode =
  /** A system call on a socket, timer or eventfd failed. */
  | 'socket-failed'
  /** rtnetlink refused a link, an address or a route. */
  | 'link-refused'
  /** nf_tables refused the lease table, or a claim. */
  | 'lease-refused'
  /**
   * The lease ran out while the interfaces were being raised: the machine stood still meanwhile.
   */
  | 'lease-lapsed'
  /** A dump or an answer from the kernel was cut short again and again. */
  | 'answer-lost';

export interface KernelErrorCause {
  readonly code: KernelErrorCode;
  /** Positive errno, 0 when no system call failed. */
  readonly errno: number;
  /** What was asked, for people: "claim the lease of group 1". */
  readonly what: string;
  /** The kernel's own words, when it gave any (NLMSGERR_ATTR_MSG). */
  readonly reason?: string;
}

export class KernelError extends Error {
  readonly code: KernelErrorCode;
  /** Positive errno, 0 when no system call failed. */
  readonly errno: number;
  readonly what: string;

  constructor({ code, errno, what, reason }: KernelErrorCause) {
    const cause = [errno === 0 ? undefined : errnoName(errno), reason].filter((part) => part);
    super(cause.length === 0 ? what : `${what}: ${cause.join(', ')}`);
    this.name = 'KernelError';
    this.code = code;
    this.errno = errno;
    this.what = what;
  }
}

/** `ENODEV` for 19. */
export function errnoName(errno: number): string {
  return getSystemErrorName(-errno);
}
