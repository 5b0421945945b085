/** Things said several times. */
import { describe, expect, it } from 'vitest';
import { Repetition } from '../../../firmware/core/election/repetition.ts';
import { instant, seconds } from '../../../firmware/core/time.ts';

const at = (second: number) => instant(second * 1_000_000);

/** The moments at which it speaks until `end`, in seconds. */
function sayings(repetition: Repetition, end: number): number[] {
  const said: number[] = [];
  for (let next = repetition.next; next !== undefined && next <= at(end); next = repetition.next) {
    expect(repetition.due(instant(next - 1))).toBe(false);
    expect(repetition.due(next)).toBe(true);
    said.push(next / 1_000_000);
  }
  return said;
}

describe('a repetition', () => {
  it('ends after its gaps', () => {
    const repetition = new Repetition([seconds(1), seconds(2)]);
    expect(repetition.next).toBeUndefined();
    repetition.start(at(10));
    expect(sayings(repetition, 100)).toEqual([11, 13]);
    expect(repetition.next).toBeUndefined();
  });

  it('goes on for ever when asked to', () => {
    const repetition = new Repetition([seconds(1)], seconds(60));
    repetition.start(at(0));
    expect(sayings(repetition, 200)).toEqual([1, 61, 121, 181]);
  });

  it('starts anew and stops', () => {
    const repetition = new Repetition([seconds(1), seconds(5)]);
    repetition.start(at(0));
    repetition.due(at(1));
    repetition.start(at(3));
    expect(repetition.next).toBe(at(4));
    repetition.stop();
    expect(repetition.due(at(100))).toBe(false);
  });
});
