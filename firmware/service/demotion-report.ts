/** A report of demotions as it comes over the API, checked; and as it is sent. */
import type { DemotionReport, ReportedDemotion } from '../core/node/external-demotions.ts';
import { milliseconds } from '../core/time.ts';
import { fieldsOf } from '../wire/json-field.ts';
import { AnswerRefusal } from './local-server.ts';

/** As JSON. */
export interface DemotionsBody {
  readonly owner: string;
  readonly lastsMs: number;
  readonly demotions: readonly {
    readonly reason: string;
    readonly weight: number;
    readonly patienceMs: number;
  }[];
  /** For the event log, one line each. */
  readonly events: readonly string[];
}

export interface TakenReport {
  readonly report: DemotionReport;
  readonly events: readonly string[];
}

const OWNER = /^[a-z][a-z-]{0,31}$/;
/** Other reasons are the node's own. */
const REASON = /^(?:target|service):[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/;
const OWN_REASON = 'service:lease';
const HIGHEST_WEIGHT = 240;
const LONGEST_MS = 600_000;
const MOST = 256;
const LONGEST_LINE = 500;

/** Throws AnswerRefusal for what is no report. */
export function demotionReport(body: unknown): TakenReport {
  const { owner, lastsMs, demotions, events } = fieldsOf(body);
  if (typeof owner !== 'string' || !OWNER.test(owner)) throw refusal('owner', 'a lower-case word');
  if (!isSpan(lastsMs)) throw refusal('lastsMs', 'milliseconds from 0 to 600000');
  if (!Array.isArray(demotions) || demotions.length > MOST) {
    throw refusal('demotions', `a list of at most ${MOST}`);
  }
  if (!Array.isArray(events) || !events.every(isLine)) throw refusal('events', 'a list of lines');
  const report = { owner, lasts: milliseconds(lastsMs), demotions: demotions.map(demotion) };
  return { report, events };
}

function demotion(body: unknown): ReportedDemotion {
  const { reason, weight, patienceMs } = fieldsOf(body);
  if (typeof reason !== 'string' || !REASON.test(reason) || reason === OWN_REASON) {
    throw refusal('reason', 'target:NAME or service:NAME');
  }
  const isWeight = Number.isInteger(weight) && Number(weight) >= 1;
  if (!isWeight || Number(weight) > HIGHEST_WEIGHT)
    throw refusal('weight', 'a number from 1 to 240');
  if (!isSpan(patienceMs)) throw refusal('patienceMs', 'milliseconds from 0 to 600000');
  return { reason, weight: Number(weight), patience: milliseconds(patienceMs) };
}

function isSpan(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= LONGEST_MS;
}

function isLine(value: unknown): boolean {
  return typeof value === 'string' && value.length <= LONGEST_LINE && !value.includes('\n');
}

function refusal(field: string, expected: string): AnswerRefusal {
  return new AnswerRefusal(400, `demotions: ${field} wants ${expected}`);
}
