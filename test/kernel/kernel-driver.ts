/**
 * A process of its own that carries out calls of the Linux kernel room. Tests run it inside a
 * network namespace, stop it, kill it and start it again.
 */

import type { KernelEvent } from '../../firmware/kernel/kernel.ts';
import { LinuxKernel } from '../../firmware/kernel/linux-kernel.ts';
import { enterRealtime } from '../../firmware/kernel/realtime.ts';
import { WakeSignal } from '../../firmware/kernel/wake-signal.ts';
import { serveCalls } from './json-lines.ts';

const RENEWAL_MS = 10;
/** Microseconds between the renewals of the shortest lease. */
const KEEPING = 3_000;
const HOLDING_PRIORITY = 10;

const wake = new WakeSignal();
const messages: unknown[] = [];
const kernel = new LinuxKernel({ wakeFd: wake.fd, receive: () => messages.shift() });
let holding: NodeJS.Timeout | undefined;

/** As JSON can carry it. */
function plain(event: KernelEvent): unknown {
  return 'bytes' in event ? { ...event, bytes: [...event.bytes] } : event;
}

/** Waits until an event of the kind is there, at most 5 s; returns all events until then. */
function waitFor(kind: KernelEvent['kind']): unknown[] {
  const deadline = kernel.now() + 5_000_000;
  const events: KernelEvent[] = [];
  while (kernel.now() < deadline && !events.some((event) => event.kind === kind)) {
    events.push(...kernel.wait(deadline));
  }
  return events.map(plain);
}

serveCalls({
  apply: (plan) => kernel.apply(plan),
  claim: (group) => kernel.claim(group),
  renew: (group) => kernel.renew(group),
  release: (group) => kernel.release(group),
  linger: (group, microseconds) => kernel.linger(group, microseconds),
  sendDatagram: (device, destination, bytes) =>
    kernel.sendDatagram(device, destination, Uint8Array.from(bytes)),
  receivedFrames: (device) => kernel.receivedFrames(device),
  transmit: (device, bytes) => kernel.transmit(device, Uint8Array.from(bytes)),
  transmitFromVip: (device, vhid, bytes) =>
    kernel.transmitFromVip(device, vhid, Uint8Array.from(bytes)),
  forwards: (family) => kernel.forwards(family),
  neighbour: (device, address) => kernel.neighbour(device, address) ?? null,
  random: (length) => [...kernel.random(length)],
  waitFor,
  /** Waits until a span from now has passed. */
  pass(microseconds) {
    const deadline = kernel.now() + microseconds;
    while (kernel.now() < deadline) kernel.wait(deadline);
  },
  /** As `pass`, but goes on renewing; false when the lease was lost. */
  keep(group, microseconds) {
    const deadline = kernel.now() + microseconds;
    let next = kernel.now();
    while (kernel.now() < deadline) {
      if (kernel.now() >= next) {
        if (!kernel.renew(group)) return false;
        next = kernel.now() + KEEPING;
      }
      kernel.wait(next);
    }
    return true;
  },
  /** Claims and goes on renewing until `letGo`. */
  hold(group) {
    // As the election does: an ordinary process may be kept waiting for longer than a lease.
    enterRealtime(HOLDING_PRIORITY);
    kernel.claim(group);
    holding = setInterval(() => kernel.renew(group), RENEWAL_MS);
  },
  letGo: () => clearInterval(holding),
  /** A process that is alive and never comes back to its work. */
  loopForEver() {
    for (;;) kernel.now();
  },
  post(message) {
    messages.push(message);
    wake.signal();
  },
  enterRealtime: (priority) => enterRealtime(priority),
  retire() {
    clearInterval(holding);
    kernel.retire();
  },
});
