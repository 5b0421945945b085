/** Where beats go, how fast, and which way is broken. */
import { describe, expect, it } from 'vitest';
import { PathTable } from '../../../firmware/core/peer/path-table.ts';
import type { PeerPath } from '../../../firmware/core/peer/peer-path.ts';
import { milliseconds } from '../../../firmware/core/time.ts';
import type { BeatPath } from '../../../firmware/wire/peer-beat.ts';
import { at } from './relation-stage.ts';

const SPAN = milliseconds(32);
const PLANS = [
  { interface: 'lan', device: 'eth1', peer: undefined },
  { interface: 'sync', device: 'eth2', peer: '172.16.1.2' },
];
const far = (place: string, hears = true): BeatPath => ({
  interface: place,
  address: place === 'lan' ? '192.168.1.3' : '172.16.1.2',
  usable: true,
  hears,
});

function table(): { paths: PathTable; lan: PeerPath; sync: PeerPath } {
  const paths = new PathTable();
  paths.configure(PLANS);
  const [lan, sync] = [...paths.all];
  if (lan === undefined || sync === undefined) throw new Error('two paths');
  lan.ownAddress = '192.168.1.2';
  sync.ownAddress = '172.16.1.1';
  for (const path of paths.all) path.setUsable(true, at(0));
  return { paths, lan, sync };
}

describe('the paths', () => {
  it('are open where the peer has an address, configured or told', () => {
    const { paths, lan, sync } = table();
    expect(paths.open).toEqual([sync]);
    paths.told([far('lan'), far('elsewhere')]);
    expect(paths.open).toEqual([lan, sync]);
    expect(lan.peerAddress).toBe('192.168.1.3');
    lan.setUsable(false, at(1));
    expect(paths.open).toEqual([sync]);
  });

  it('are fast on the sync cable, and on all others while that is out', () => {
    const { paths, lan, sync } = table();
    paths.told([far('lan'), far('sync')]);
    const isFast = (ms: number): boolean => paths.isFast(lan, SPAN, at(ms));
    expect(isFast(0)).toBe(true);
    sync.heardAt = at(0);
    expect([isFast(32), isFast(33)]).toEqual([false, true]);
    expect(paths.isFast(sync, SPAN, at(33))).toBe(true);
    paths.told([far('sync', false)]);
    expect(isFast(1)).toBe(true);
  });

  it('are cut when the cable has no carrier and nothing else was heard by', () => {
    const { paths, lan, sync } = table();
    sync.heardAt = at(0);
    expect(paths.isSevered(SPAN, at(1))).toBe(false);
    sync.setUsable(false, at(1));
    expect(paths.isSevered(SPAN, at(1))).toBe(true);
    lan.heardAt = at(0);
    expect(paths.isSevered(SPAN, at(1))).toBe(false);
  });

  it('stay what they are through a new configuration, unless the device is another', () => {
    const { paths, lan, sync } = table();
    const [, plan] = PLANS;
    paths.configure([
      { interface: 'lan', device: 'eth7', peer: undefined },
      { ...plan!, peer: '172.16.1.9' },
    ]);
    expect(paths.get('lan')).not.toBe(lan);
    expect(paths.get('sync')).toBe(sync);
    expect(sync.peerAddress).toBe('172.16.1.9');
  });

  it('let the node with the lower address on the sync cable begin', () => {
    const { paths, sync } = table();
    expect(paths.begins).toBe(true);
    sync.ownAddress = '172.16.1.3';
    expect(paths.begins).toBe(false);
  });
});

describe('a path', () => {
  it('is due at once, then after the interval', () => {
    const { sync } = table();
    expect(sync.dueAt(milliseconds(10), at(3))).toBe(at(3));
    sync.sent(at(3));
    expect(sync.dueAt(milliseconds(10), at(5))).toBe(at(13));
  });

  it('is broken when nothing has arrived for a second though both ends are up', () => {
    const { paths, lan } = table();
    expect(lan.brokenAt()).toBeUndefined();
    paths.told([far('lan')]);
    expect(lan.brokenAt()).toBe(at(1_000));
    lan.heardAt = at(500);
    expect(lan.brokenAt()).toBe(at(1_500));
    lan.setUsable(false, at(600));
    lan.setUsable(true, at(2_000));
    expect(lan.brokenAt()).toBe(at(3_000));
  });

  it('tells how it is at this end', () => {
    const { lan } = table();
    const told = { interface: 'lan', address: '192.168.1.2', usable: true };
    expect(lan.told(SPAN, at(0))).toEqual({ ...told, hears: false });
    lan.heardAt = at(0);
    expect(lan.told(SPAN, at(32))).toEqual({ ...told, hears: true });
  });
});
