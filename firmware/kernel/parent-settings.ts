/**
 * Settings of the devices below macvlans: set while there are VIPs on them, put back afterwards,
 * even by a later life of the process. What they were before is written into the alias of each
 * macvlan, which lives exactly as long as it is needed.
 */
import type { LinkRecord } from '../wire/rtnetlink.ts';
import type { PlanProblem } from './kernel.ts';
import {
  type FormerSettings,
  formatFormer,
  parseFormer,
  readParent,
  restoreParent,
  tuneParent,
} from './sysctls.ts';

const MARK = 'yoke vip; parent had';

export class ParentSettings {
  readonly #former = new Map<string, FormerSettings>();

  /** Reads what macvlans of an earlier life say about their parents. */
  recall(links: readonly LinkRecord[]): void {
    const names = new Map(links.map(({ index, name }) => [index, name]));
    for (const { kind, alias, parent } of links) {
      const device = names.get(parent ?? 0);
      if (kind !== 'macvlan' || !alias?.startsWith(MARK) || device === undefined) continue;
      const former = parseFormer(alias);
      if (former !== undefined && !this.#former.has(device)) this.#former.set(device, former);
    }
  }

  /** The alias for a macvlan on this device. */
  note(device: string): string {
    return `${MARK} ${formatFormer(this.#formerOf(device))}`;
  }

  /** Sets up exactly these devices; puts all others back. */
  tune(devices: ReadonlySet<string>): PlanProblem[] {
    for (const [device, former] of this.#former) {
      if (devices.has(device)) continue;
      restoreParent(device, former);
      this.#former.delete(device);
    }
    return [...devices].flatMap((device) => {
      this.#formerOf(device);
      return tuneParent(device);
    });
  }

  #formerOf(device: string): FormerSettings {
    const known = this.#former.get(device);
    if (known !== undefined) return known;
    const former = readParent(device);
    this.#former.set(device, former);
    return former;
  }
}
