/** VLANs and bonds in a real kernel, where it has them. */
import { execFileSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { NamespaceProcess } from '../json-lines.ts';
import { Segment } from '../segment.ts';

const DRIVER = new URL('../engine-driver.ts', import.meta.url).pathname;
const VLAN = 'vlan lan.10 parent lan id 10\n';
const BOND = 'bond bond-dmz mode active-backup members spare0 spare1\n';

/** Whether this kernel, modules included, makes devices of a kind. */
function makes(kind: string): boolean {
  const options = kind === 'vlan' ? ['link', 'lo', 'type', 'vlan', 'id', '1'] : ['type', kind];
  const line = ['--net', 'ip', 'link', 'add', 'name', 'probe', ...options];
  try {
    execFileSync('unshare', line, { stdio: 'pipe' });
    return true;
  } catch (error) {
    return !String(error).includes('Unknown device type');
  }
}

let segment: Segment;
let driver: NamespaceProcess;

beforeEach(() => {
  segment = new Segment();
  driver = segment.startProgram(DRIVER);
});

afterEach(() => segment.remove());

const call = (name: string, text: string) => driver.call<string | null>(name, 'links', text);

test('nothing wanted changes nothing, and devices that are not there are named', async () => {
  const before = segment.ip('link show');
  expect(await call('check', '')).toBeNull();
  expect(await call('apply', '')).toBeNull();
  expect(await call('drift', '')).toBeNull();
  expect(segment.ip('link show')).toBe(before);
  expect(await call('check', 'vlan eth9.10 parent eth9 id 10\n')).toBe('no such device: eth9');
  expect(await call('drift', VLAN)).toBe('no lan.10, not vlan lan.10 parent lan id 10');
});

test.skipIf(makes('vlan'))('a kernel without VLANs says so before anything changes', async () => {
  expect(await call('check', VLAN)).toBe('this kernel has no devices of the kind vlan');
  expect(await call('apply', VLAN)).toContain('Unknown device type');
  expect(await call('drift', VLAN)).toContain('no lan.10');
});

describe.skipIf(!makes('vlan'))('a VLAN', () => {
  test('is made once, stays while it is wanted, is made anew when it is another', async () => {
    expect(await call('check', VLAN)).toBeNull();
    expect(await call('apply', VLAN)).toBeNull();
    const once = segment.ip('-details link show lan.10');
    expect(once).toContain('vlan protocol 802.1Q id 10');
    expect(await call('apply', VLAN)).toBeNull();
    expect(segment.ip('-details link show lan.10')).toBe(once);
    expect(await call('drift', VLAN)).toBeNull();
    const other = VLAN.replace('id 10', 'id 11');
    expect(await call('drift', other)).toContain('id 10, not vlan lan.10 parent lan id 11');
    expect(await call('apply', other)).toBeNull();
    expect(segment.ip('-details link show lan.10')).toContain('id 11');
    expect(await call('apply', '')).toBeNull();
    expect(segment.ip('link show')).not.toContain('lan.10');
  });
});

describe.skipIf(!makes('bond'))('a bond', () => {
  test('takes its members in and gives them back', async () => {
    segment.ip('link add spare0 type veth peer name spare1');
    expect(await call('check', BOND)).toBeNull();
    expect(await call('apply', BOND)).toBeNull();
    expect(await call('drift', BOND)).toBeNull();
    expect(segment.ip('link show master bond-dmz')).toContain('spare1');
    segment.ip('link set spare1 nomaster');
    expect(await call('drift', BOND)).toContain('members spare0, not');
    expect(await call('apply', BOND)).toBeNull();
    expect(await call('apply', '')).toBeNull();
    expect(segment.ip('link show')).not.toContain('bond-dmz');
  });
});
