/**
 * The failover groups of the node, through all changes of its configuration.
 *
 * A group that stays is told what is new and nothing else. One that is gone says good-bye as it was
 * configured, which takes a few milliseconds longer. When the failover mode changes, new groups
 * continue old ones without letting go.
 */
import { type DesiredAddresses, desiredAddresses } from '../addressing/desired-addresses.ts';
import { FailoverGroup } from '../election/failover-group.ts';
import type { GroupInput, GroupOutput } from '../election/group-io.ts';
import { earliest, type Instant } from '../time.ts';
import { GroupNumbers, groupId, type PlannedGroup, plannedGroups } from './group-plan.ts';
import { succession } from './group-succession.ts';
import { changedVips, type NodeScene, usableInterfaces } from './node-scene.ts';

export interface GroupTold {
  readonly group: FailoverGroup;
  readonly output: GroupOutput;
  /** In which the group lives. */
  readonly scene: NodeScene;
  readonly now: Instant;
}

/** A group that is not configured any more and still says good-bye, in the scene it belongs to. */
interface Leaving {
  readonly group: FailoverGroup;
  readonly scene: NodeScene;
}

export interface GroupsStart {
  readonly scene: NodeScene;
  readonly onTold: (told: GroupTold) => void;
  readonly onPlan: (plan: DesiredAddresses) => void;
}

export class NodeGroups {
  #groups: ReadonlyMap<string, FailoverGroup> = new Map();
  /** The same, to be walked in every turn. */
  #list: readonly FailoverGroup[] = [];
  #node: FailoverGroup | undefined;
  #leaving: readonly Leaving[] = [];
  #scene: NodeScene;
  readonly #numbers = new GroupNumbers();
  readonly #onTold: (told: GroupTold) => void;
  readonly #onPlan: (plan: DesiredAddresses) => void;

  constructor({ scene, onTold, onPlan }: GroupsStart) {
    this.#scene = scene;
    this.#onTold = onTold;
    this.#onPlan = onPlan;
  }

  /** By id. */
  get all(): ReadonlyMap<string, FailoverGroup> {
    return this.#groups;
  }

  /** The one group of all VIPs; undefined when each has its own. */
  get node(): FailoverGroup | undefined {
    return this.#node;
  }

  get sayGoodbye(): boolean {
    const leaving = this.#leaving.map(({ group }) => group);
    return [...this.#groups.values(), ...leaving].some((group) => group.saysGoodbye);
  }

  nextTimeout(): Instant | undefined {
    let next: Instant | undefined;
    for (const group of this.#list) next = earliest(next, group.nextTimeout());
    for (const { group } of this.#leaving) next = earliest(next, group.nextTimeout());
    return next;
  }

  configure(scene: NodeScene, demotion: number, now: Instant): void {
    const former = this.#scene;
    const before = this.#groups;
    const planned = plannedGroups(scene.configuration);
    const fates = succession(before, planned);
    for (const id of fates.ended) this.#leave(before.get(id), now);
    this.#scene = scene;
    this.#groups = new Map(
      planned.map((plan) => [plan.id, before.get(plan.id) ?? this.#begin(plan, demotion, now)]),
    );
    this.#list = [...this.#groups.values()];
    this.#node = this.#groups.get('node');
    // The kernel first: groups may claim what the plan has just created.
    this.apply();
    const changed = changedVips(former, scene);
    for (const plan of planned) this.#change(plan, changed, now);
    for (const id of fates.heirs) this.#tell(this.#groups.get(id), { kind: 'inherit' }, now);
    for (const id of fates.continued) this.#empty(before.get(id), now);
  }

  /** Wants the kernel made equal to the configuration; those who leave keep their devices. */
  apply(): void {
    const { configuration } = this.#scene;
    const plan = desiredAddresses(
      configuration,
      (vip) => this.#numbers.of(groupId(configuration, vip)),
      this.#scene.lease,
    );
    const kept = [...this.#keptDevices()];
    const more = kept.map((device) => ({ device, addresses: [], families: [], beats: [] }));
    this.#onPlan({ ...plan, interfaces: [...plan.interfaces, ...more] });
  }

  tellAll(input: GroupInput, now: Instant): void {
    for (const group of this.#list) this.#tell(group, input, now);
  }

  /** Tells the group with this id. */
  tell(id: string, input: GroupInput, now: Instant): void {
    this.#tell(this.#groups.get(id), input, now);
  }

  /** Tells the group with this lease. */
  tellHolder(lease: number, input: GroupInput, now: Instant): void {
    for (const group of this.#groups.values()) {
      if (group.rules.group === lease) this.#tell(group, input, now);
    }
  }

  settle(now: Instant): void {
    this.tellAll({ kind: 'settled' }, now);
    if (this.#leaving.length === 0) return;
    for (const { group, scene } of this.#leaving) {
      this.#tell(group, { kind: 'settled' }, now, scene);
    }
    const kept = this.#keptDevices();
    this.#leaving = this.#leaving.filter(({ group }) => group.saysGoodbye);
    if (kept.size > this.#keptDevices().size) this.apply();
  }

  #begin(plan: PlannedGroup, demotion: number, now: Instant): FailoverGroup {
    const group = new FailoverGroup(this.#rules(plan), now);
    this.#tell(group, { kind: 'demotion', total: demotion }, now);
    return group;
  }

  #change(plan: PlannedGroup, changed: ReadonlySet<string>, now: Instant): void {
    const interfaces = usableInterfaces(this.#scene);
    const { members } = plan;
    this.tell(plan.id, { kind: 'rules', rules: this.#rules(plan) }, now);
    this.tell(plan.id, { kind: 'members', members, changed, interfaces }, now);
  }

  #rules({ id, name }: PlannedGroup): FailoverGroup['rules'] {
    const { configuration } = this.#scene;
    const preemption = configuration.preempt;
    return { name, group: this.#numbers.of(id), lease: this.#scene.lease, preemption };
  }

  /** Good-bye. */
  #leave(group: FailoverGroup | undefined, now: Instant): void {
    if (group === undefined) return;
    this.#leaving = [...this.#leaving, { group, scene: this.#scene }];
    this.#tell(group, { kind: 'stop', cause: 'no longer configured' }, now);
  }

  /** Others go on with what it served. */
  #empty(group: FailoverGroup | undefined, now: Instant): void {
    const nothing = { members: [], changed: new Set<string>(), interfaces: new Map() };
    this.#tell(group, { kind: 'members', ...nothing }, now);
  }

  /** Those that only good-byes are sent from any more. */
  #keptDevices(): ReadonlySet<string> {
    const devices = this.#leaving.flatMap(({ group, scene }) =>
      [...group.memberships.values()].flatMap(({ member }) => {
        return scene.interfaces.get(member.interface)?.device ?? [];
      }),
    );
    const { interfaces } = this.#scene.configuration;
    return new Set(devices).difference(new Set(interfaces.map(({ device }) => device)));
  }

  #tell(
    group: FailoverGroup | undefined,
    input: GroupInput,
    now: Instant,
    scene: NodeScene = this.#scene,
  ): void {
    if (group === undefined) return;
    group.handle(input, now);
    for (let output = group.poll(); output !== undefined; output = group.poll()) {
      this.#onTold({ group, output, scene, now });
    }
  }
}
