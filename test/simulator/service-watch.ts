/**
 * The judge: who answers for each VIP, at every moment of a simulation.
 *
 * It asks what a client on the segment would find out with an ARP request. Two answers are the one
 * thing that must never be; no answer is an outage and is measured.
 */
import type { Schedule } from './schedule.ts';
import { virtualMacNumber } from './simulated-machine.ts';
import type { Port, SimulatedSegment } from './simulated-segment.ts';

/** Somebody who may answer for a VIP on a segment. */
export interface Server {
  readonly name: string;
  readonly port: Port;
  answers(): boolean;
  /** Takes and forwards what comes for the virtual MAC; so does who answers. */
  forwards(): boolean;
}

export interface WatchedVip {
  readonly name: string;
  readonly segment: SimulatedSegment;
  readonly vhid: number;
  readonly servers: readonly Server[];
}

/** A stretch of time in which the same boxes answered for a VIP. */
export interface Stretch {
  readonly from: number;
  readonly vip: string;
  readonly names: readonly string[];
  /** Two of them could be reached by one client. */
  readonly overlaps: boolean;
  /** Somebody answers, but the switch sends frames for the virtual MAC elsewhere. */
  readonly misled: boolean;
  /** A frame for the virtual MAC comes to somebody who forwards it. */
  readonly forwarded: boolean;
}

export class ServiceWatch {
  readonly stretches: Stretch[] = [];
  vips: readonly WatchedVip[] = [];
  onStretch: (stretches: readonly Stretch[]) => void = () => undefined;
  readonly #schedule: Schedule;
  readonly #last = new Map<string, Stretch>();
  #dirty = true;

  constructor(schedule: Schedule) {
    this.#schedule = schedule;
  }

  /** Something changed: look at the end of this event. */
  touch(): void {
    this.#dirty = true;
  }

  /** What holds now, by name of the VIP. */
  get now(): ReadonlyMap<string, Stretch> {
    return this.#last;
  }

  /** True when something had changed, and was looked at. */
  check(): boolean {
    if (!this.#dirty) return false;
    this.#dirty = false;
    const begun: Stretch[] = [];
    for (const vip of this.vips) {
      const stretch = this.#look(vip);
      const last = this.#last.get(vip.name);
      if (last !== undefined && isSame(last, stretch)) continue;
      this.#last.set(vip.name, stretch);
      this.stretches.push(stretch);
      begun.push(stretch);
    }
    if (begun.length > 0) this.onStretch(begun);
    return true;
  }

  #look({ name, segment, vhid, servers }: WatchedVip): Stretch {
    const answering = servers.filter((server) => server.answers());
    const overlaps = answering.some((one, index) =>
      answering.slice(index + 1).some((other) => segment.joins(one.port, other.port)),
    );
    const mac = virtualMacNumber(vhid);
    const misled =
      answering.length > 0 && !answering.some(({ port }) => segment.leadsTo(mac, port));
    const forwarded = servers.some(
      (server) => segment.leadsTo(mac, server.port) && (server.answers() || server.forwards()),
    );
    const names = answering.map((server) => server.name);
    return { from: this.#schedule.now, vip: name, names, overlaps, misled, forwarded };
  }
}

function isSame(a: Stretch, b: Stretch): boolean {
  if (a.names.length !== b.names.length || a.forwarded !== b.forwarded) return false;
  if (a.overlaps !== b.overlaps || a.misled !== b.misled) return false;
  return a.names.every((name, index) => b.names[index] === name);
}
