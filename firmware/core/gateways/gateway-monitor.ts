/**
 * Whether one gateway is good: asks for echoes at a fixed pace and judges loss and latency over a
 * window.
 *
 * Loss is counted against the whole window even before it is full: a gateway that is tried for the
 * first time is not down for one lost packet.
 */
import type { GatewayConfiguration } from '../configuration/routing-configuration.ts';
import type { Machine } from '../machine.ts';
import { after, type Duration, earliest, type Instant, milliseconds } from '../time.ts';
import { EchoWindow } from './echo-window.ts';
import {
  type GatewayLevel,
  type GatewayReport,
  type GatewayState,
  worse,
} from './gateway-states.ts';
import { LevelWatch } from './level-watch.ts';

export type MonitorInput =
  | { readonly kind: 'wake' }
  /** An echo reply to this gateway's request of that number. */
  | { readonly kind: 'answer'; readonly sequence: number }
  /** The request could not be sent. */
  | { readonly kind: 'unsent'; readonly sequence: number };

export interface ProbeOutput {
  readonly kind: 'probe';
  readonly sequence: number;
}

/** With fewer answers their mean says nothing: the first one waits for ARP. */
const FEWEST_ANSWERS = 3;
/** Woken later than that, answers may have been waiting unread. */
const LATE = milliseconds(250);

export class GatewayMonitor implements Machine<MonitorInput, ProbeOutput> {
  readonly configuration: GatewayConfiguration;
  readonly #window: EchoWindow;
  readonly #loss: LevelWatch;
  readonly #latency: LevelWatch;
  readonly #outputs: ProbeOutput[] = [];
  #probeAt: Instant;

  constructor(configuration: GatewayConfiguration, now: Instant) {
    const { interval, window, timeout, hold } = configuration;
    this.configuration = configuration;
    this.#window = new EchoWindow(Math.floor(window / interval), timeout);
    this.#loss = new LevelWatch(hold);
    this.#latency = new LevelWatch(hold);
    this.#probeAt = now;
  }

  handle(input: MonitorInput, now: Instant): void {
    const isLate = now > after(this.nextTimeout() ?? now, LATE);
    switch (input.kind) {
      case 'answer':
        // What had waited for us is an answer, but tells nothing of the way.
        if (!isLate && this.#window.answer(input.sequence, now)) this.#judge(now);
        return;
      case 'unsent':
        this.#window.fail(input.sequence);
        return this.#judge(now);
      case 'wake':
        return this.#wake(isLate, now);
    }
  }

  poll(): ProbeOutput | undefined {
    return this.#outputs.shift();
  }

  nextTimeout(): Instant | undefined {
    if (this.configuration.monitor === undefined) return undefined;
    const levels = earliest(this.#loss.nextTimeout(), this.#latency.nextTimeout());
    return earliest(earliest(this.#probeAt, levels), this.#window.nextTimeout());
  }

  get state(): GatewayState {
    if (this.configuration.monitor === undefined) return 'up';
    const level = worse(this.#loss.level, this.#latency.level);
    return this.#window.count === 0 && level === 'up' ? 'unknown' : level;
  }

  get report(): GatewayReport {
    const { count, lost, latency } = this.#window;
    return {
      name: this.configuration.name,
      state: this.state,
      lossLevel: this.#loss.level,
      latencyLevel: this.#latency.level,
      loss: count === 0 ? null : lost / count,
      latencyMs: latency === undefined ? null : latency / 1000,
    };
  }

  #wake(isLate: boolean, now: Instant): void {
    if (this.configuration.monitor === undefined) return;
    if (isLate) this.#window.forgive();
    else if (this.#window.settle(now)) this.#judge(now);
    this.#loss.settle(now);
    this.#latency.settle(now);
    if (now < this.#probeAt) return;
    this.#outputs.push({ kind: 'probe', sequence: this.#window.ask(now) });
    // The pace is kept as it is; what was missed is not made up for.
    this.#probeAt = after(isLate ? now : this.#probeAt, this.configuration.interval);
    if (this.#probeAt <= now) this.#probeAt = after(now, this.configuration.interval);
  }

  #judge(now: Instant): void {
    const { loss, latency } = this.configuration;
    const { lost, capacity, answered } = this.#window;
    this.#loss.measure(levelOf((lost * 100) / capacity, loss), now);
    const mean = answered < FEWEST_ANSWERS ? undefined : this.#window.latency;
    // Without answers the loss speaks; latency stays what it was.
    if (mean !== undefined) this.#latency.measure(levelOf(mean, latency), now);
  }
}

function levelOf(
  value: number,
  { warn, down }: { readonly warn: number | Duration; readonly down: number | Duration },
): GatewayLevel {
  if (value >= down) return 'down';
  return value >= warn ? 'warn' : 'up';
}
