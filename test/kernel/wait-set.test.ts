import { afterEach, expect, test } from 'vitest';
import { native } from '../../firmware/kernel/native-socket.ts';
import { WaitSet } from '../../firmware/kernel/wait-set.ts';
import { WakeSignal } from '../../firmware/kernel/wake-signal.ts';

const signals = Array.from({ length: 4 }, () => new WakeSignal());
const [wake, route, delegated, listener] = signals as [
  WakeSignal,
  WakeSignal,
  WakeSignal,
  WakeSignal,
];
const set = new WaitSet();
set.set({
  wake: wake.fd,
  route: route.fd,
  netfilter: undefined,
  delegated: delegated.fd,
  listeners: [listener.fd],
});

afterEach(() => {
  for (const { fd } of signals) native.drain(fd);
});

test('waits for an instant, and finds nothing', () => {
  const at = native.monotonic() + 1_000;
  set.wait(at, false);
  expect(native.monotonic()).toBeGreaterThanOrEqual(at);
  expect(set.found).toMatchObject({ wake: false, route: false, netfilter: false });
  expect(set.isReady(listener.fd)).toBe(false);
});

test('an instant that has passed is not waited for', () => {
  set.wait(1, false);
  set.wait(0, false);
  set.wait(-5, false);
});

test('finds what is readable, whatever the instant', () => {
  wake.signal();
  listener.signal();
  set.wait(undefined, false);
  expect(set.found).toMatchObject({ wake: true, route: false, netfilter: false });
  expect(set.isReady(listener.fd)).toBe(true);
});

test('does not wait for a listener that is not heeded', () => {
  listener.signal();
  delegated.signal();
  set.heed(listener.fd, false);
  set.wait(undefined, false);
  expect(set.found).toMatchObject({ wake: false, delegated: true });
  expect(set.isReady(listener.fd)).toBe(false);
  set.heed(listener.fd, true);
  set.wait(undefined, false);
  expect(set.isReady(listener.fd)).toBe(true);
});

test('only looks when told so', () => {
  set.wait(undefined, true);
  expect(set.found.wake).toBe(false);
});
