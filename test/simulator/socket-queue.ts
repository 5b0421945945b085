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

const NOTHING: readonly KernelEvent[] = [];

type Received = Extract<KernelEvent, { kind: 'frame' | 'datagram' }>;

export interface Socket {
  waiting: KernelEvent[];
  readonly guard: FloodGuard;
}

export class SocketQueue {
  /** Link changes and damage: nothing limits them. */
  #news: KernelEvent[] = [];
  readonly #sockets: Socket[] = [];
  /** The same by device. */
  readonly #byKind = { frame: new Map<string, Socket>(), datagram: new Map<string, Socket>() };
  /** What waits in all of them. */
  #waiting = 0;

  get length(): number {
    return this.#news.length + this.#waiting;
  }

  /** The socket of a device for this kind of frame; undefined before the first has come. */
  socket(kind: Received['kind'], device: string): Socket | undefined {
    return this.#byKind[kind].get(device);
  }

  push(event: KernelEvent): void {
    this.#news.push(event);
  }

  /** To its socket, if that is known. */
  receive(event: Received, socket = this.socket(event.kind, event.device)): void {
    if (socket === undefined) return this.receive(event, this.#opened(event));
    if (isFull(socket)) return;
    socket.waiting.push(event);
    this.#waiting += 1;
  }

  /** When there is something to read; undefined when there is nothing. */
  readableAt(now: number): number | undefined {
    if (this.#news.length > 0) return now;
    if (this.#waiting === 0) return undefined;
    let next: number | undefined;
    for (const { waiting, guard } of this.#sockets) {
      if (waiting.length === 0) continue;
      const readableAt = guard.nextRead ?? now;
      if (readableAt <= now) return now;
      if (next === undefined || readableAt < next) next = readableAt;
    }
    return next;
  }

  take(now: number): readonly KernelEvent[] {
    if (this.#news.length + this.#waiting === 0) return NOTHING;
    const events = this.#news;
    this.#news = [];
    const news = events.length;
    let isMore = false;
    for (const socket of this.#sockets) {
      if (socket.waiting.length === 0 || (socket.guard.nextRead ?? now) > now) continue;
      isMore = read(socket, events, now) || isMore;
    }
    this.#waiting -= events.length - news;
    if (isMore) events.push({ kind: 'more' });
    return events;
  }

  #opened({ kind, device }: Received): Socket {
    const socket: Socket = { waiting: [], guard: new FloodGuard(AT_ONCE) };
    this.#byKind[kind].set(device, socket);
    this.#sockets.push(socket);
    return socket;
  }
}

/** What comes now is lost. */
export function isFull({ waiting }: Socket): boolean {
  return waiting.length >= CAPACITY;
}

/** True when more is left that the next wait should bring. */
function read({ waiting, guard }: Socket, events: KernelEvent[], now: number): boolean {
  const count = Math.min(waiting.length, AT_ONCE);
  for (let index = 0; index < count; index += 1) events.push(waiting[index] as KernelEvent);
  if (count === waiting.length) waiting.length = 0;
  else waiting.splice(0, count);
  guard.took(count, now);
  return count === AT_ONCE && guard.nextRead === undefined;
}
