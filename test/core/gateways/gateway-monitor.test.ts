/** Loss and latency of one gateway over a window. */
import { describe, expect, test } from 'vitest';
import { GatewayMonitor } from '../../../firmware/core/gateways/gateway-monitor.ts';
import { after, type Instant, instant, milliseconds } from '../../../firmware/core/time.ts';
import { exampleGateway } from './example-routing.ts';

/** A way to the monitor: how long an answer takes in milliseconds, undefined when it is lost. */
type Way = (request: number) => number | undefined;

class Stage {
  readonly monitor: GatewayMonitor;
  readonly states: string[] = [];
  now: Instant = instant(0);
  asked = 0;
  way: Way = () => 10;
  #answers: { at: Instant; sequence: number }[] = [];

  constructor(given: Parameters<typeof exampleGateway>[0] = {}) {
    this.monitor = new GatewayMonitor(exampleGateway(given), this.now);
    this.#wake();
  }

  /** Lets time pass; every deadline and every answer is handed in when it comes. */
  run(seconds: number): this {
    const end = after(this.now, milliseconds(seconds * 1000));
    for (;;) {
      const due = this.monitor.nextTimeout() ?? end;
      const answer = this.#answers.reduce<{ at: Instant; sequence: number } | undefined>(
        (first, each) => (first === undefined || each.at < first.at ? each : first),
        undefined,
      );
      const next = Math.min(due, answer?.at ?? Infinity);
      if (next >= end) break;
      this.now = instant(next);
      if (answer !== undefined && answer.at <= due) {
        this.#answers = this.#answers.filter((each) => each !== answer);
        this.monitor.handle({ kind: 'answer', sequence: answer.sequence }, this.now);
        this.#note();
      } else this.#wake();
    }
    this.now = end;
    return this;
  }

  #wake(): void {
    this.monitor.handle({ kind: 'wake' }, this.now);
    for (let out = this.monitor.poll(); out !== undefined; out = this.monitor.poll()) {
      const takes = this.way(this.asked);
      this.asked += 1;
      if (takes === undefined) continue;
      this.#answers.push({ at: after(this.now, milliseconds(takes)), sequence: out.sequence });
    }
    this.#note();
  }

  #note(): void {
    if (this.states.at(-1) !== this.monitor.state) this.states.push(this.monitor.state);
  }
}

describe('a gateway', () => {
  test('is unknown until something is heard, then up, and is asked at its pace', () => {
    const stage = new Stage();
    expect(stage.monitor.state).toBe('unknown');
    stage.run(20);
    expect(stage.states).toEqual(['unknown', 'up']);
    expect(stage.asked).toBe(40);
    expect(stage.monitor.report).toMatchObject({ loss: 0, latencyMs: 10 });
  });

  test('that falls silent is down when its share of the window is lost', () => {
    const stage = new Stage().run(20);
    stage.way = () => undefined;
    const asked = stage.asked;
    // The fourth of twenty makes 20 %; it is asked for at 1.5 s and given up a second later.
    stage.run(2.4);
    expect([stage.monitor.state, stage.asked - asked]).toEqual(['warn', 5]);
    stage.run(0.2);
    expect(stage.monitor.state).toBe('down');
  });

  test('comes back after its window has cleared and the hold is over', () => {
    const stage = new Stage().run(20);
    stage.way = () => undefined;
    stage.run(20);
    stage.way = () => 10;
    stage.run(18);
    expect(stage.monitor.state).toBe('down');
    stage.run(30);
    expect(stage.states).toEqual(['unknown', 'up', 'warn', 'down', 'warn', 'up']);
  });

  test('that loses a little is warned, and says what is wrong', () => {
    const stage = new Stage();
    stage.way = (request) => (request % 8 === 7 ? undefined : 10);
    stage.run(60);
    expect(stage.monitor.report).toMatchObject({ lossLevel: 'warn', latencyLevel: 'up' });
  });

  test('that is slow is warned, that is very slow is down', () => {
    const stage = new Stage();
    stage.way = () => 300;
    expect(stage.run(30).monitor.report).toMatchObject({ state: 'warn', latencyLevel: 'warn' });
    stage.way = () => 900;
    expect(stage.run(30).monitor.report).toMatchObject({ state: 'down', lossLevel: 'up' });
  });

  test('that answers too late does not answer', () => {
    const stage = new Stage();
    stage.way = () => 1100;
    stage.run(30);
    expect(stage.monitor.report).toMatchObject({ state: 'down', loss: 1, latencyMs: null });
  });

  test('that never answered is down, and one lost request is not enough', () => {
    const stage = new Stage();
    stage.way = () => undefined;
    stage.run(1.2);
    expect(stage.monitor.state).toBe('up');
    stage.run(5);
    expect(stage.monitor.state).toBe('down');
  });

  test('is not blamed for a process that slept', () => {
    const stage = new Stage().run(20);
    // Answers of the last requests wait unread for 30 s.
    const woken = after(stage.now, milliseconds(30_000));
    stage.monitor.handle({ kind: 'answer', sequence: 39 }, woken);
    stage.monitor.handle({ kind: 'wake' }, woken);
    expect(stage.monitor.report).toMatchObject({ state: 'up', loss: 0, latencyMs: 10 });
  });

  test('that cannot be sent to is down as well', () => {
    const stage = new Stage().run(5);
    for (let sequence = 10; sequence < 14; sequence++) {
      stage.now = stage.monitor.nextTimeout() ?? stage.now;
      stage.monitor.handle({ kind: 'wake' }, stage.now);
      const probe = stage.monitor.poll();
      stage.monitor.handle({ kind: 'unsent', sequence: probe?.sequence ?? -1 }, stage.now);
    }
    expect(stage.monitor.state).toBe('down');
  });

  test('without a monitor is up and asked nothing', () => {
    const stage = new Stage({ monitor: undefined }).run(60);
    expect([stage.monitor.state, stage.asked, stage.monitor.nextTimeout()]).toEqual([
      'up',
      0,
      undefined,
    ]);
  });

  test('ignores answers that nobody waits for', () => {
    const stage = new Stage().run(0.4);
    for (const sequence of [7, 65_535, 0, 0]) {
      stage.monitor.handle({ kind: 'answer', sequence }, stage.now);
    }
    expect(stage.monitor.report).toMatchObject({ loss: 0, latencyMs: 10 });
  });
});
