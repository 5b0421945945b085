/**
 * What has arrived at a process and was not read yet, with the limits sockets have: what comes when
 * one is full is lost, one wait reads a few of each, and a flooded one is read only now and then.
 */
import { FloodGuard } from '../../firmware/kernel/flood-guard.ts';
import type { KernelEvent } from '../../firmware/kernel/kernel.ts';

/** Frames of one socket that one wait returns at most. */
const AT_ONCE = 16;
/** Frames a socket holds. */
const CAPACITY = 512;

interface Socket {
  waiting: KernelEvent[];
  readonly guard: FloodGuard;
}

export class SocketQueue {
  /** Link changes and damage: nothing limits them. */
  #news: KernelEvent[] = [];
  readonly #sockets = new Map<string, Socket>();

  get length(): number {
    let length = this.#news.length;
    for (const { waiting } of this.#sockets.values()) length += waiting.length;
    return length;
  }

  push(event: KernelEvent): void {
    this.#news.push(event);
  }

  /** To the socket of a device for this kind of frame. */
  receive(event: Extract<KernelEvent, { kind: 'frame' | 'datagram' }>): void {
    const key = event.kind + event.device;
    let socket = this.#sockets.get(key);
    if (socket === undefined) {
      socket = { waiting: [], guard: new FloodGuard(AT_ONCE) };
      this.#sockets.set(key, socket);
    }
    if (socket.waiting.length < CAPACITY) socket.waiting.push(event);
  }

  /** When there is something to read; undefined when there is nothing. */
  readableAt(now: number): number | undefined {
    if (this.#news.length > 0) return now;
    let next: number | undefined;
    for (const { waiting, guard } of this.#sockets.values()) {
      if (waiting.length === 0) continue;
      const readableAt = guard.nextRead ?? now;
      if (readableAt <= now) return now;
      if (next === undefined || readableAt < next) next = readableAt;
    }
    return next;
  }

  take(now: number): readonly KernelEvent[] {
    const events = this.#news;
    this.#news = [];
    let isMore = false;
    for (const socket of this.#sockets.values()) {
      if (socket.waiting.length === 0 || (socket.guard.nextRead ?? now) > now) continue;
      isMore = read(socket, events, now) || isMore;
    }
    if (isMore) events.push({ kind: 'more' });
    return events;
  }
}

/** True when more is left that the next wait should bring. */
function read({ waiting, guard }: Socket, events: KernelEvent[], now: number): boolean {
  const batch = waiting.splice(0, AT_ONCE);
  events.push(...batch);
  guard.took(batch.length, now);
  return batch.length === AT_ONCE && guard.nextRead === undefined;
}
