/**
 * What a group wants to say, addressed and numbered: from which device and address, with which
 * counter, and after a change once more with the former digest.
 */
import { AdvertisementCounter, counterStart } from '../election/advertisement-counter.ts';
import type { GroupOutput } from '../election/group-io.ts';
import type { Member } from '../election/membership.ts';
import { invariant } from '../invariant.ts';
import type { Instant } from '../time.ts';
import { FormerVips } from './former-vips.ts';
import type { NodeOutput } from './node-io.ts';
import type { NodeScene } from './node-scene.ts';

type Said = Extract<GroupOutput, { kind: 'advertise' }>;

export class Speaker {
  readonly former = new FormerVips();
  readonly #counters = new Map<string, AdvertisementCounter>();
  readonly #random64: () => bigint;
  readonly #tag: number;

  /**
   * `random64`: a random 64-bit number for each VHID's counter; `tag`: low half of all of them, by
   * which the peer knows our advertisements.
   */
  constructor(random64: () => bigint, tag: number) {
    this.#random64 = random64;
    this.#tag = tag;
  }

  configure(former: NodeScene | undefined, scene: NodeScene, now: Instant): void {
    for (const [id, vip] of scene.vips) {
      const before = former?.vips.get(id);
      if (before !== undefined) this.former.change(id, before, vip, now);
      if (this.#counters.has(id)) continue;
      const start = counterStart(this.#random64(), this.#tag);
      this.#counters.set(id, new AdvertisementCounter(start));
    }
  }

  /** True when an advertisement with this counter was sent a moment ago. */
  isRecentCounter(id: string, counter: bigint): boolean {
    return this.#counters.get(id)?.isRecent(counter) ?? false;
  }

  advertise({ member, pace, serves }: Said, scene: NodeScene, now: Instant): NodeOutput[] {
    const { vip, watch } = found(member, scene);
    const counter = this.#counters.get(member.id);
    invariant(counter !== undefined, `VHID ${member.vhid} has a counter`);
    const sourceMac = serves ? undefined : watch.seen?.mac;
    const { device } = watch;
    return member.families.flatMap((family) => {
      const source = watch.source(family, vip.peer);
      if (source === undefined) return [];
      const versions = [vip, ...this.former.toSend(member.id, now)];
      return versions.map(({ addresses, password }): NodeOutput => {
        const said = { family, source, sourceMac, pace, counter: counter.take() };
        return { kind: 'advertise', vip: { ...vip, addresses, password }, device, ...said };
      });
    });
  }

  /** Where a VHID lives in the kernel. */
  place(member: Member, scene: NodeScene): { device: string; vhid: number } {
    return { device: found(member, scene).watch.device, vhid: member.vhid };
  }

  announce(member: Member, scene: NodeScene): NodeOutput {
    const { vip, watch } = found(member, scene);
    return { kind: 'announce', vip, device: watch.device };
  }
}

function found(member: Member, { vips, interfaces }: NodeScene) {
  const vip = vips.get(member.id);
  const watch = interfaces.get(member.interface);
  invariant(vip !== undefined, `VIP ${member.name} is configured`);
  invariant(watch !== undefined, `interface ${member.interface} is configured`);
  return { vip, watch };
}
