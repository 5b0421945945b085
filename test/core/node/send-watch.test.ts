/** Three failures in a row, three successes in a row. */
import { describe, expect, it } from 'vitest';
import { SendWatch } from '../../../firmware/core/node/send-watch.ts';

describe('sending', () => {
  it('fails after three failures in a row and recovers after three successes', () => {
    const watch = new SendWatch();
    const outcomes = [false, false, true, false, false, false, true, true, false, true, true, true];
    expect(outcomes.map((ok) => watch.record(ok))).toEqual([
      ...['unchanged', 'unchanged', 'unchanged', 'unchanged', 'unchanged', 'failing'],
      ...['unchanged', 'unchanged', 'unchanged', 'unchanged', 'unchanged', 'recovered'],
    ]);
  });

  it('that was forgiven can fail again', () => {
    const watch = new SendWatch();
    for (let count = 0; count < 3; count += 1) watch.record(false);
    watch.reset();
    const verdicts = [false, false, false].map((ok) => watch.record(ok));
    expect(verdicts).toEqual(['unchanged', 'unchanged', 'failing']);
  });
});
