/** The life of a failover group: any sequence of inputs, in time or late. */
import fc from 'fast-check';
import { expect } from 'vitest';
import type { GroupInput } from '../../../firmware/core/election/group-io.ts';
import type { State } from '../../../firmware/core/election/states.ts';
import { GroupStage, LAN, members, RULES, WAN } from './group-stage.ts';

/** An input for a stage, with the time that passes before it. */
interface Step {
  readonly span: number;
  readonly of: (stage: GroupStage) => GroupInput;
}

const paces = fc.constantFrom('1/0', '1/100', '1/150', '1/240', '4/0', '255/255');
const places = fc.constantFrom('lan', 'wan');
const inputs: fc.Arbitrary<Step['of']> = fc.oneof(
  fc.tuple(paces, places, fc.constantFrom('192.0.2.2', '192.0.2.9'), fc.boolean()).map(
    ([pace, vip, source, serving]): Step['of'] =>
      (stage) =>
        stage.hear(pace, { vip, source, serving }),
  ),
  fc.tuple(places, fc.boolean()).map(
    ([place, usable]): Step['of'] =>
      (stage) =>
        stage.usable(place, usable),
  ),
  fc
    .constantFrom<GroupInput>(
      { kind: 'demotion', total: 0 },
      { kind: 'demotion', total: 240 },
      { kind: 'step-aside', cause: 'maintenance' },
      { kind: 'lease-lost' },
      { kind: 'unsent', interface: 'lan' },
      { kind: 'applied' },
      { kind: 'repaired' },
      { kind: 'inherit' },
      { kind: 'claim-failed', text: 'refused' },
      { kind: 'claim-late' },
      { kind: 'bind', bound: true, known: true },
      { kind: 'bind', bound: false, known: true },
      { kind: 'bind', bound: false, known: false },
      { kind: 'take', cause: 'granted', because: 'granted' },
      { kind: 'take', cause: 'silent', because: 'silence' },
      { kind: 'hand-over', cause: 'the peer takes over' },
      { kind: 'yield', cause: 'the peer is better' },
      { kind: 'stand-down', cause: 'the peer serves' },
      { kind: 'reassert' },
      members([LAN]),
      members([LAN, WAN], [LAN.id]),
      { kind: 'rules', rules: RULES },
      { kind: 'stop', cause: 'stopped' },
    )
    .map(
      (input): Step['of'] =>
        () =>
          input,
    ),
);
const spans = fc.oneof(fc.constant(0), fc.nat({ max: 50_000 }), fc.nat({ max: 5_000_000 }));
export const steps = fc.array(fc.record({ span: spans, of: inputs, isOnTime: fc.boolean() }), {
  maxLength: 40,
});

/** Runs a life turn by turn; `look` sees each turn. */
export function live(
  life: readonly (Step & { readonly isOnTime: boolean })[],
  look: (
    stage: GroupStage,
    from: State,
    outputs: ReturnType<GroupStage['feed']>,
    input: GroupInput,
  ) => void,
): void {
  const stage = new GroupStage([LAN, WAN]);
  const turn = (...given: GroupInput[]): void => {
    for (const input of [{ kind: 'wake' } as const, ...given, { kind: 'settled' } as const]) {
      const from = stage.group.state;
      look(stage, from, stage.feed(input), input);
    }
  };
  for (const { span, of, isOnTime } of life) {
    // Either woken when it asked to be, or stopped for the whole span.
    const end = stage.now + span;
    for (let next = stage.group.nextTimeout(); isOnTime && next !== undefined && next < end; ) {
      stage.wait(Math.max(1, next - stage.now));
      turn();
      next = stage.group.nextTimeout();
    }
    stage.wait(Math.max(0, end - stage.now));
    turn(of(stage));
    expect(stage.group.nextTimeout() ?? Infinity).toBeGreaterThan(stage.now);
  }
}
