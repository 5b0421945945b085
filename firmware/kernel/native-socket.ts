/**
 * The native addon (native/yoke.c) with types: system calls on plain descriptors. Everything here
 * returns what the call returned; negative is -errno. `checked` turns that into a KernelError.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { KernelError } from './kernel-error.ts';

declare const receiveBrand: unique symbol;
declare const sendBrand: unique symbol;
declare const watchBrand: unique symbol;

/** Slots of memory that are filled by `receiveMany`. */
export type ReceiveBatch = { readonly [receiveBrand]: true };
/** Spans of memory that are sent by `sendMany`. */
export type SendBatch = { readonly [sendBrand]: true };
/** A descriptor watched by the event loop; keep it, or the watching ends. */
export type Watch = { readonly [watchBrand]: true };

export interface Native {
  /** A non-blocking socket, closed on exec. */
  openSocket(domain: number, type: number, protocol: number): number;
  /** `address`: a struct sockaddr of its family. */
  bind(fd: number, address: Uint8Array): number;
  connect(fd: number, address: Uint8Array): number;
  /** Length of the address written to `out`. */
  socketName(fd: number, out: Uint8Array): number;
  setOption(fd: number, level: number, name: number, value: number | Uint8Array): number;
  /** Value of an option that is an int. */
  getOption(fd: number, level: number, name: number): number;
  /** Classic BPF, eight bytes an instruction (struct sock_filter). */
  attachFilter(fd: number, program: Uint8Array): number;
  close(fd: number): number;
  interfaceIndex(name: string): number;
  /** Sends the first `length` bytes. */
  send(fd: number, bytes: Uint8Array, length: number, address?: Uint8Array): number;
  /** One datagram; its whole length, even when `out` was too short. Never blocks. */
  receive(fd: number, out: Uint8Array): number;
  read(fd: number, out: Uint8Array): number;
  readAt(fd: number, out: Uint8Array, offset: number): number;
  /**
   * Has a thread of its own send, where the kernel takes long over it. That signals the eventfd
   * `done` at the end, whatever became of it; both descriptors must stay open until then.
   */
  sendAside(fd: number, bytes: Uint8Array, done: number): number;
  /**
   * `senders`: room for a struct sockaddr_in6 (28 bytes) for each slot, filled with the address of
   * the sender, of whatever family.
   */
  receiveBatch(
    slots: Uint8Array,
    lengths: Int32Array,
    slotSize: number,
    senders?: Uint8Array,
  ): ReceiveBatch | number;
  /** Number of datagrams; the length of one that did not fit its slot is negative. */
  receiveMany(batch: ReceiveBatch, fd: number): number;
  /** `spans`: pairs of offset and length in `data`. */
  sendBatch(data: Uint8Array, spans: Int32Array, address?: Uint8Array): SendBatch | number;
  /** Number of datagrams sent of the first `count` spans. */
  sendMany(batch: SendBatch, fd: number, count: number): number;
  /**
   * Blocks the thread until one of the first `count` (at most 1024) descriptors is readable.
   * Timeout in nanoseconds, negative for none.
   */
  poll(fds: Int32Array, found: Int32Array, count: number, timeout: number): number;
  /** A timerfd on CLOCK_MONOTONIC. */
  openTimer(): number;
  /** Readable from `at` on (microseconds, as `monotonic`); 0 disarms. */
  setTimer(fd: number, at: number): number;
  openEvent(): number;
  signalEvent(fd: number): number;
  /** Empties an eventfd or timerfd; how often it fired. */
  drain(fd: number): number;
  /** CLOCK_MONOTONIC, whole microseconds. */
  monotonic(): number;
  threadId(): number;
  /** SCHED_FIFO 1..99 for a thread (0: the caller), SCHED_OTHER for priority 0. */
  setPriority(threadId: number, priority: number): number;
  /** Calls back from the event loop with poll events, or with -errno. */
  watch(fd: number, events: number, callback: (events: number) => void): Watch | number;
  setWatch(watch: Watch, events: number): number;
  stopWatch(watch: Watch): number;
}

/** Beside the bundle when it runs from build/, else in the repository's build/. */
function addonPath(): string {
  const file = `native/yoke-${process.arch}.node`;
  const places = [join(import.meta.dirname, file), join(import.meta.dirname, '../../build', file)];
  const found = places.find((place) => existsSync(place));
  if (found === undefined) throw new Error(`no ${file}: run make build`);
  return found;
}

export const native = createRequire(import.meta.url)(addonPath()) as Native;

/** The result of a system call that must not fail. */
export function checked(result: number, what: string): number {
  if (result < 0) throw new KernelError({ code: 'socket-failed', errno: -result, what });
  return result;
}
