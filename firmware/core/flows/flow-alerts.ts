/**
 * What of the replication people must know: which alert follows from what has happened, and when
 * the node need not wait for the peer's flows any longer.
 */
import { type Alert, AlertLedger } from '../telemetry/alert-ledger.ts';
import { after, type Duration, type Instant, seconds } from '../time.ts';
import type { ReplicationOutput } from './replication-io.ts';

/** A peer that lives is met within a second; without one there is nothing to wait for. */
const MEETING_PATIENCE: Duration = seconds(5);
/** An alert about the kernel is looked at again as often. */
const SEEN_LASTS: Duration = seconds(60);

const CAUSES: Readonly<Record<string, string>> = {
  silent: 'the peer says nothing',
  unheard: 'the peer does not hear this node',
  stalled: 'the peer takes nothing in',
};

export class FlowAlerts {
  readonly #ledger = new AlertLedger();
  readonly #begunAt: Instant;
  #hasMet = false;
  #isReady = false;

  constructor(now: Instant) {
    this.#begunAt = now;
  }

  take(output: ReplicationOutput, now: Instant): void {
    switch (output.kind) {
      case 'session':
        this.#hasMet = true;
        return;
      case 'joined':
        this.#isReady = true;
        this.#ledger.clear('flows-join');
        return;
      case 'join-overdue': {
        this.#isReady = true;
        if (!this.#hasMet) return;
        const text = "the peer's flows were not copied in time: this node serves without them";
        this.#ledger.raise('flows-join', text, now);
        return;
      }
      case 'stopped': {
        const { direction, cause } = output;
        const way = direction === 'in' ? 'from' : 'to';
        const text = `replication of flows ${way} the peer has stopped: ${CAUSES[cause] ?? cause}`;
        this.#ledger.raise(`flows-stopped:${direction}`, text, now);
        return;
      }
      case 'resumed':
        this.#ledger.clear(`flows-stopped:${output.direction}`);
        return;
      case 'crowded': {
        if (!output.full) return void this.#ledger.clear('flows-crowded');
        const text = 'there are more flows than this node has room to replicate';
        this.#ledger.raise('flows-crowded', text, now);
        return;
      }
      case 'divergence': {
        if (!output.high) return void this.#ledger.clear('flows-divergence');
        const percent = output.percent.toFixed(1);
        const text = `${percent} % of the peer's established flows are not here as they are there`;
        this.#ledger.raise('flows-divergence', text, now);
      }
    }
  }

  /** Something amiss with the kernel, a line for people; said again while it lasts. */
  warn(subject: string, text: string, now: Instant): void {
    this.#ledger.raise(`flows-kernel:${subject}`, text, now, SEEN_LASTS);
  }

  list(now: Instant): readonly Alert[] {
    this.#ledger.expire(now);
    return this.#ledger.list();
  }

  isReady(now: Instant): boolean {
    return this.#isReady || (!this.#hasMet && now >= after(this.#begunAt, MEETING_PATIENCE));
  }
}
