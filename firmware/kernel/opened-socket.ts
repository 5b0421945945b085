/** Opens sockets that need more than one call to be of use. */
import { KernelError } from './kernel-error.ts';
import { checked, native } from './native-socket.ts';

/** A socket set up by calls that must all succeed; closed again when one does not. */
export function openedSocket(
  domain: number,
  type: number,
  what: string,
  setUp: (fd: number) => readonly number[],
): number {
  const fd = checked(native.openSocket(domain, type, 0), what);
  const failure = setUp(fd).find((result) => result < 0);
  if (failure === undefined) return fd;
  native.close(fd);
  throw new KernelError({ code: 'socket-failed', errno: -failure, what });
}
