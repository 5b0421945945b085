// The soak: some hundred random faults, each repaired after a random time, sometimes both nodes
// broken at once. Afterwards the pair must be whole, with one master, nothing may be left behind,
// and no ARP request may ever have been answered twice.
//
//   soak.ts [STEPS] [SEED]        200 steps, seed from the clock and printed
import { setTimeout as pause } from 'node:timers/promises';
import type { ArpWatch } from './arp-watch.ts';
import { watchVips } from './client-traffic.ts';
import { eventually } from './eventually.ts';
import { Faults } from './faults.ts';
import { type Inventory, inventoryDifference, takeInventory } from './inventory.ts';
import { Pair } from './pair.ts';
import { Rack } from './rack.ts';
import type { NodeLetter } from './rack-plan.ts';
import { type SoakFault, type SoakStep, segmentOf, soakPlan } from './soak-plan.ts';
import { YokePair, type YokeSpeaker } from './yoke-pair.ts';

const LOSS_PERCENT = 30;

type Repair = () => Promise<unknown>;

class Soak {
  readonly failures: string[] = [];
  private readonly rack: Rack;
  private readonly pair: Pair<YokeSpeaker>;
  private readonly watch: ArpWatch;
  private readonly faults: Faults;

  constructor(rack: Rack, pair: Pair<YokeSpeaker>, watch: ArpWatch) {
    this.rack = rack;
    this.pair = pair;
    this.watch = watch;
    this.faults = new Faults(rack);
  }

  async run(plan: readonly SoakStep[]): Promise<void> {
    const before = await this.inventories();
    let open: Repair | undefined;
    for (const [index, step] of plan.entries()) {
      const repair = await this.break(step);
      await pause(step.forMs);
      await open?.();
      open = undefined;
      if (plan[index + 1]?.overlaps) open = repair;
      else await repair();
      this.judgeDoubles(step);
    }
    await this.judgeEnd(before);
  }

  private async break(step: SoakStep): Promise<Repair> {
    const { node, fault } = step;
    const sign = step.overlaps ? '+' : ' ';
    process.stdout.write(`${sign}${step.number} ${node} ${fault} ${step.forMs} ms\n`);
    const restart = () => this.pair.restart(node);
    const boot = async () => {
      await this.faults.boot(node);
      await restart();
    };
    if (fault === 'power loss') return this.begun(this.faults.powerLoss(node), boot);
    if (fault === 'freeze') return this.begun(this.faults.freeze(node), boot);
    if (fault === 'crash') return this.begun(this.faults.crash(node), restart);
    if (fault === 'hang')
      return this.begun(this.faults.hang(node), async () => this.faults.wake(node));
    if (fault === 'clean stop') return this.begun(this.pair.speakers[node].stop(), restart);
    if (fault === 'reload') this.pair.speakers[node].signal('SIGHUP');
    if (fault === 'reload') return async () => undefined;
    if (fault === 'delete VIP interface') return this.deleteVip(node);
    return this.breakSegment(node, fault);
  }

  private async breakSegment(node: NodeLetter, fault: SoakFault): Promise<Repair> {
    const segment = segmentOf(fault);
    const verb = fault.split(' ')[0];
    if (verb === 'pull')
      return this.begun(this.faults.pull(node, segment), () => this.faults.plug(node, segment));
    if (verb === 'lose')
      return this.begun(this.faults.lose(node, segment, LOSS_PERCENT), () =>
        this.faults.lose(node, segment, 0),
      );
    return this.begun(this.faults.vanish(node, segment), () => this.faults.comeBack(node, segment));
  }

  private async begun(fault: unknown, repair: Repair): Promise<Repair> {
    await fault;
    return repair;
  }

  /** Nothing to repair: the daemon must do that by itself. */
  private async deleteVip(node: NodeLetter): Promise<Repair> {
    const [device] = await this.rack.nodes[node].links('macvlan');
    if (device !== undefined) await this.faults.deleteInterface(node, device);
    return async () => undefined;
  }

  private judgeDoubles(step: SoakStep): void {
    for (const double of this.watch.doubleAnswers.splice(0)) {
      const who = double.answers.map((answer) => answer.station).join(' and ');
      this.failures.push(`step ${step.number}: ${double.address} answered by ${who}`);
    }
  }

  private async judgeEnd(before: Record<NodeLetter, Inventory>): Promise<void> {
    await this.pair.settled('a', 60_000);
    const missed = await this.watch.missedFrames();
    if (missed > 0) this.failures.push(`the monitor port missed ${missed} frames`);
    for (const letter of ['a', 'b'] as const) {
      let difference: string[] = [];
      const equal = async () => {
        difference = inventoryDifference(
          before[letter],
          await takeInventory(this.rack.nodes[letter]),
        );
        return difference.length === 0 ? true : undefined;
      };
      // A status request of a moment ago may still hold its socket.
      await eventually('equal inventories', equal, { patienceMs: 5000 }).catch(() => false);
      this.failures.push(...difference.map((line) => `leak on ${letter}: ${line}`));
    }
  }

  private async inventories(): Promise<Record<NodeLetter, Inventory>> {
    const { a, b } = this.rack.nodes;
    return { a: await takeInventory(a), b: await takeInventory(b) };
  }
}

async function soak(rack: Rack, steps: number, seed: number): Promise<string[]> {
  const emptied = await takeInventory(rack.nodes.a);
  const watch = await watchVips(rack);
  const pair = await Pair.start(rack, watch, new YokePair());
  const run = new Soak(rack, pair, watch);
  await run.run(soakPlan(seed, steps));
  await pair.speakers.a.stop();
  const left = inventoryDifference(emptied, await takeInventory(rack.nodes.a));
  return [...run.failures, ...left.map((line) => `left after a clean stop: ${line}`)];
}

const steps = Number(process.argv[2] ?? 200);
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000);
process.stdout.write(`soak: ${steps} faults, seed ${seed}\n`);
const rack = await Rack.build();
try {
  const failures = await soak(rack, steps, seed);
  for (const failure of failures) process.stdout.write(`FAILED ${failure}\n`);
  process.stdout.write(`soak of seed ${seed}: ${failures.length === 0 ? 'passed' : 'failed'}\n`);
  if (failures.length > 0) process.exitCode = 1;
} finally {
  rack.remove();
}
