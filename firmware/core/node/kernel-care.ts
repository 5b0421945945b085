/**
 * What the kernel could not do, and what somebody else did to it: told to people, and put right.
 */
import { after, earliest, type Instant, milliseconds } from '../time.ts';
import { type Bulletin, HEARD_ALERT } from './bulletin.ts';
import type { NodeGroups } from './node-groups.ts';
import type { NodeProblem } from './node-io.ts';
import { RepairSchedule } from './repair-schedule.ts';

/** Alert codes that come from applying a plan. */
/** What may be over without a word: link events can be lost. */
const RETRY = milliseconds(100);
const PASSING = new Set(['no-device', 'vip-refused', 'plan-refused']);
const PROBLEM_CODE =
  /^(no-device|address-refused|wrong-prefix|unsupported|vip-refused|plan-refused):/;

export class KernelCare {
  readonly #bulletin: Bulletin;
  readonly #groups: NodeGroups;
  readonly #repairs = new RepairSchedule();
  /** Of what could not be done. */
  readonly #retries = new RepairSchedule();
  #repairing = false;

  constructor(bulletin: Bulletin, groups: NodeGroups) {
    this.#bulletin = bulletin;
    this.#groups = groups;
  }

  /** What could not be done is told while it lasts; what was done may be claimed. */
  applied(problems: readonly NodeProblem[], now: Instant): void {
    const codes = new Set(problems.map(({ code, device }) => `${code}:${device}`));
    this.#bulletin.clearOthers(PROBLEM_CODE, codes);
    for (const { code, device, text } of problems) {
      this.#bulletin.alert(`${code}:${device}`, text, now);
    }
    this.#groups.tellAll({ kind: this.#repairing ? 'repaired' : 'applied' }, now);
    this.#repairing = false;
    if (problems.some(({ code }) => PASSING.has(code)))
      this.#retries.demand(now, after(now, RETRY));
  }

  damaged(text: string, now: Instant): void {
    this.#bulletin.counters.add('kernel.damaged');
    this.#bulletin.alert('damaged', `${text}; repaired`, now, HEARD_ALERT);
    this.#repairs.demand(now);
    this.settle(now);
  }

  settle(now: Instant): void {
    const isRepair = this.#repairs.due(now);
    if (!isRepair && !this.#retries.due(now)) return;
    this.#repairing = isRepair;
    this.#groups.apply();
  }

  claimFailed(group: number, text: string, now: Instant): void {
    this.#bulletin.alert('claim', `the kernel refused the VIPs: ${text}`, now, HEARD_ALERT);
    this.#groups.tellHolder(group, { kind: 'claim-failed', text }, now);
  }

  nextTimeout(): Instant | undefined {
    return earliest(this.#repairs.nextTimeout(), this.#retries.nextTimeout());
  }
}
