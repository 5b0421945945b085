/** Events for beginnings and ends, none in between. */
import { describe, expect, it } from 'vitest';
import { Bulletin } from '../../../firmware/core/node/bulletin.ts';
import type { NodeEvent } from '../../../firmware/core/node/node-io.ts';
import { instant, seconds } from '../../../firmware/core/time.ts';

describe('the bulletin', () => {
  it('tells an alert once and its end once', () => {
    const told: NodeEvent[] = [];
    const bulletin = new Bulletin((event) => told.push(event));
    bulletin.alert('loop:lan', 'a loop', instant(0), seconds(60));
    bulletin.alert('loop:lan', 'a loop', instant(1), seconds(60));
    expect(bulletin.nextTimeout()).toBe(60_000_001);
    bulletin.settle(instant(60_000_000));
    bulletin.settle(instant(60_000_001));
    bulletin.clearAlert('loop:lan');
    expect(told.map(({ kind }) => kind)).toEqual(['alert', 'alert-cleared']);
  });

  it('clears what matches and is not kept', () => {
    const bulletin = new Bulletin(() => undefined);
    for (const code of ['no-device:a', 'no-device:b', 'claim']) {
      bulletin.alert(code, code, instant(0));
    }
    bulletin.clearOthers(/^no-device:/, new Set(['no-device:b']));
    expect(bulletin.alerts.list().map(({ code }) => code)).toEqual(['no-device:b', 'claim']);
  });
});
