/**
 * What of the configuration people must know.
 */
import { type Alert, AlertLedger } from '../telemetry/alert-ledger.ts';
import { after, type Duration, type Instant, seconds } from '../time.ts';
import type { RolloutJournal, SyncStanding } from './rollout-io.ts';

/** A node that is being replaced or started again is back by then. */
const LONGEST_APART: Duration = seconds(15 * 60);
/** An alert of something that was put right stays in sight for so long. */
const SEEN_LASTS: Duration = seconds(120);

interface ConfigMatters {
  readonly standing: SyncStanding;
  readonly journal: RolloutJournal;
  /** Why there is no connection; undefined when there is one. */
  readonly link: { readonly text: string; readonly isKey: boolean } | undefined;
  /** Why nothing can be written. */
  readonly disk: string | undefined;
}

export class ConfigAlerts {
  readonly #ledger = new AlertLedger();
  #apartSince: Instant | undefined;

  look({ standing, journal, link, disk }: ConfigMatters, now: Instant): void {
    const isApart = standing === 'offline' || standing === 'pending';
    this.#apartSince = isApart ? (this.#apartSince ?? now) : undefined;
    const { failure, change } = journal;
    this.#set('config-failed', failure?.text, now);
    this.#set('config-key', link?.isKey ? link.text : undefined, now);
    this.#set('config-disk', disk, now);
    this.#set('config-diverged', divergence(standing, journal), now);
    const isOld = this.#apartSince !== undefined && now >= after(this.#apartSince, LONGEST_APART);
    const reason = link === undefined ? '' : `: ${link.text}`;
    const old = `the configurations of the nodes were not compared for 15 minutes${reason}`;
    this.#set('config-sync', isOld ? old : undefined, now);
    const isTrial = change?.phase === 'trial';
    const trial = `revision ${change?.target.number} waits for yoke config confirm`;
    this.#set('config-trial', isTrial ? trial : undefined, now);
  }

  /** Something on this machine is not as the configuration says. */
  drift(what: string, text: string, now: Instant): void {
    this.#ledger.raise(`config-drift:${what}`, text, now, SEEN_LASTS);
  }

  list(now: Instant): readonly Alert[] {
    this.#ledger.expire(now);
    return this.#ledger.list();
  }

  #set(code: string, text: string | undefined, now: Instant): void {
    if (text === undefined) this.#ledger.clear(code);
    else this.#ledger.raise(code, text, now);
  }
}

function divergence(standing: SyncStanding, { emergency }: RolloutJournal): string | undefined {
  if (standing !== 'diverged') return undefined;
  const way = 'yoke config diff peer, then yoke config resolve --keep here|peer on the primary';
  return emergency
    ? `the configuration was edited here in an emergency: ${way}`
    : `the nodes' configurations have diverged: ${way}`;
}
