import { afterAll, expect, test } from 'vitest';
import type { KernelEvent } from '../../firmware/kernel/kernel.ts';
import { type Listener, ListenerSet } from '../../firmware/kernel/listener-set.ts';
import { checked, native } from '../../firmware/kernel/native-socket.ts';
import { BATCH, ReceiveSlots } from '../../firmware/kernel/receive-slots.ts';
import { WaitSet } from '../../firmware/kernel/wait-set.ts';

const AF_INET = 2;
const SOCK_DGRAM = 2;

/** A UDP socket that sends to itself, as a listener. */
class Loop implements Listener {
  readonly fd = native.openSocket(AF_INET, SOCK_DGRAM, 0);
  readonly #address = Uint8Array.of(AF_INET, 0, 0, 0, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0);
  readonly #slots = new ReceiveSlots();

  constructor() {
    checked(native.bind(this.fd, this.#address), 'bind');
    native.socketName(this.fd, this.#address);
  }

  send(count: number): void {
    const bytes = Uint8Array.of(1);
    for (let at = 0; at < count; at++) native.send(this.fd, bytes, 1, this.#address);
  }

  receive(take: (event: KernelEvent) => void): number {
    const count = this.#slots.fill(this.fd);
    for (let slot = 0; slot < count; slot++) {
      const bytes = this.#slots.bytes(slot);
      take({ kind: 'datagram', device: 'lo', source: '127.0.0.1', bytes });
    }
    return count;
  }
}

const [flooded, quiet] = [new Loop(), new Loop()];
const waitSet = new WaitSet();
const set = new ListenerSet();

afterAll(() => {
  for (const { fd } of [flooded, quiet]) native.close(fd);
  waitSet.close();
});

function listen(): void {
  set.set([flooded, quiet]);
  waitSet.set({ wake: -1, route: -1, netfilter: undefined, delegated: -1, listeners: set.fds });
}

/** One wait at an instant of our choice; the kinds of what it brought. */
function wait(now: number): string[] {
  const kinds: string[] = [];
  waitSet.wait(undefined, true);
  set.read(waitSet, now, ({ kind }) => kinds.push(kind));
  return kinds;
}

test('a flooded socket is read in turns and says no more; others as ever', () => {
  listen();
  flooded.send(BATCH);
  expect(wait(0)).toEqual([...Array.from({ length: BATCH }, () => 'datagram'), 'more']);
  for (let turn = 0; turn < 64; turn++) {
    flooded.send(BATCH);
    wait(0);
  }
  expect(set.nextRead).toBe(2_000);
  flooded.send(BATCH);
  expect(wait(1_999)).toEqual([]);
  quiet.send(1);
  expect(wait(1_999)).toEqual(['datagram']);
  expect(wait(2_000)).toEqual(Array.from({ length: BATCH }, () => 'datagram'));
  flooded.send(1);
  // A new plan does not make it forgotten.
  listen();
  expect(wait(3_000)).toEqual([]);
  expect(wait(4_000)).toEqual(['datagram']);
  expect(set.nextRead).toBe(Infinity);
  flooded.send(1);
  expect(wait(4_001)).toEqual(['datagram']);
});
