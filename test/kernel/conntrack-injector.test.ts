/** Flows of one kernel are taken in by another one as they are, by what conntrack(8) lists. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { NamespaceProcess } from './json-lines.ts';
import { Segment } from './segment.ts';

interface Dumped {
  readonly found: readonly (string | number)[];
  readonly step: string;
}

let owner: Segment;
let copier: Segment;
let source: NamespaceProcess;
let target: NamespaceProcess;

beforeEach(() => {
  owner = new Segment();
  copier = new Segment();
  source = owner.startProgram('conntrack-driver.ts');
  target = copier.startProgram('conntrack-driver.ts');
});

afterEach(async () => {
  await owner.remove();
  await copier.remove();
});

const insert = (segment: Segment, flow: string): string => segment.run(`conntrack -I ${flow}`);

/** Lines of the whole table without what differs from kernel to kernel. */
function listed(segment: Segment): string[] {
  return ['ipv4', 'ipv6']
    .flatMap((family) => segment.run(`conntrack -L -f ${family}`).trim().split('\n'))
    .map((line) => line.replace(/^(\S+ +\d+) \d+/, '$1').replace(/ use=\d+/, ''))
    .filter((line) => line !== '')
    .toSorted();
}

/** Everything the source has, as one text of records. */
async function told(): Promise<string> {
  const { found, step } = await source.call<Dumped>('dump');
  expect(step).toBe('complete');
  return found.filter((each) => typeof each === 'string').join('');
}

const TCP = '-p tcp -s 10.0.0.1 -d 10.9.0.1 --sport 1000 --dport 80 -t 500';
const STREAM = `${TCP} --state ESTABLISHED -u ASSURED,SEEN_REPLY`;
const UDP = '-p udp -s 10.0.0.1 -d 10.9.0.1 --sport 1000 --dport 53 -t 100 -u SEEN_REPLY';
const FLOWS = {
  'TCP with a mark': `${STREAM} -m 7`,
  'TCP that closes': `${TCP} --state TIME_WAIT -u ASSURED,SEEN_REPLY`,
  'TCP over IPv6 in a zone':
    '-p tcp -s 2001:db8::1 -d 2001:db8:9::1 --sport 1000 --dport 80 ' +
    '--state ESTABLISHED -t 500 -u ASSURED,SEEN_REPLY -w 5',
  'UDP nobody has answered': '-p udp -s 10.0.0.1 -d 10.9.0.1 --sport 9 --dport 53 -t 100',
  'source NAT': `${UDP} -n 203.0.113.9:4000`,
  'source NAT over IPv6':
    '-p udp -s 2001:db8::1 -d 2001:db8:9::1 --sport 1000 --dport 53 -t 100 -u SEEN_REPLY ' +
    '-n [2001:db8:5::1]:4000',
  'destination NAT': `${UDP} -g 10.77.0.1:5353`,
  'NAT both ways': `${UDP} -n 203.0.113.9:4000 -g 10.77.0.1:5353`,
  ICMP: '-p icmp -s 10.0.0.1 -d 10.9.0.1 --icmp-type 8 --icmp-code 0 --icmp-id 77 -t 30',
  ICMPv6:
    '-p icmpv6 -s 2001:db8::1 -d 2001:db8:9::1 --icmpv6-type 128 --icmpv6-code 0 ' +
    '--icmpv6-id 78 -t 30 -u SEEN_REPLY',
  GRE: '-p gre -s 10.0.0.1 -d 10.9.0.1 --srckey 17 --dstkey 18 -t 100',
  SCTP:
    '-p sctp -s 10.0.0.1 -d 10.9.0.1 --sport 5 --dport 6 -t 100 --state ESTABLISHED ' +
    '--orig-vtag 1 --reply-vtag 2',
  UDPlite: '-p udplite -s 10.0.0.1 -d 10.9.0.1 --sport 5 --dport 6 -t 100',
  'another protocol': '-p 50 -s 10.0.0.1 -d 10.9.0.1 -t 100',
};

test.each(Object.entries(FLOWS))('%s is the same in the other kernel', async (_, flow) => {
  insert(owner, flow);
  const counts = await target.call('inject', await told());
  expect(counts).toMatchObject({ created: 1, refused: 0, malformed: 0 });
  expect(listed(copier)).toEqual(listed(owner));
  // Again: an existing flow is changed, and says the same still.
  expect(await target.call('inject', await told())).toMatchObject({ changed: 1, refused: 0 });
  expect(listed(copier)).toEqual(listed(owner));
});

describe('a flow that is there already', () => {
  test('that nobody has told of is changed', async () => {
    insert(owner, STREAM);
    insert(copier, `${TCP} --state SYN_RECV -u SEEN_REPLY`);
    const counts = await target.call('inject', await told());
    expect(counts).toMatchObject({ created: 0, changed: 1, refused: 0 });
    expect(listed(copier)).toEqual(listed(owner));
  });

  test('gives way to one that began anew with another outside port', async () => {
    insert(owner, `${UDP} -n 203.0.113.9:4000`);
    await target.call('inject', await told());
    owner.run('conntrack -F');
    await source.call('listen', true);
    insert(owner, `${UDP} -n 203.0.113.9:5000`);
    const { found } = await source.call<Dumped>('events');
    const counts = await target.call('inject', found.join(''));
    expect(counts).toMatchObject({ refused: 0 });
    expect(listed(copier)).toEqual(listed(owner));
  });

  test('gives way when it is another one with the same outside port', async () => {
    const rival = UDP.replace('--sport 1000', '--sport 2000');
    insert(copier, `${rival} -n 203.0.113.9:4000`);
    insert(owner, `${UDP} -n 203.0.113.9:4000`);
    expect(await target.call('inject', await told())).toMatchObject({ created: 1, refused: 0 });
    expect(listed(copier)).toEqual(listed(owner));
  });
});

test('a guess that is wrong costs nothing: what was removed by others is made again', async () => {
  insert(owner, `${UDP} -n 203.0.113.9:4000`);
  await target.call('inject', await told());
  copier.run('conntrack -F');
  expect(await target.call('inject', await told())).toMatchObject({ created: 2, refused: 0 });
  expect(listed(copier)).toEqual(listed(owner));
});

test('what is told to be destroyed is removed, and what is gone already is no error', async () => {
  await source.call('listen', true);
  insert(owner, STREAM);
  const born = await source.call<Dumped>('events');
  await target.call('inject', born.found.join(''));
  expect(listed(copier)).toHaveLength(1);
  owner.run('conntrack -F');
  const died = await source.call<Dumped>('events');
  for (const _ of [1, 2]) {
    expect(await target.call('inject', died.found.join(''))).toMatchObject({ refused: 0 });
    expect(listed(copier)).toEqual([]);
  }
});

test('a walk removes and prolongs what it has found', async () => {
  insert(owner, `${UDP} -n 203.0.113.9:4000`);
  insert(owner, STREAM);
  const [first, second] = (await source.call<Dumped>('dump')).found;
  const before = listed(owner);
  expect(await source.call('renew', first)).toMatchObject({ changed: 1, refused: 0 });
  expect(listed(owner)).toEqual(before);
  expect(await source.call('remove', second)).toMatchObject({ removed: 1, refused: 0 });
  expect(listed(owner)).toHaveLength(1);
});

test('a quiet flow is kept for as long as its owner may be silent about it', async () => {
  insert(owner, '-p udp -s 10.0.0.1 -d 10.9.0.1 --sport 9 --dport 53 -t 20');
  await target.call('inject', await told());
  const left = Number(/^\S+ +\d+ (\d+)/.exec(copier.run('conntrack -L'))?.[1]);
  expect(left).toBeGreaterThan(20);
});

test('what is no record is counted and harms nobody', async () => {
  insert(owner, STREAM);
  const record = await told();
  const cut = record.slice(0, -8);
  const grown = `ff${record.slice(2)}`;
  for (const hex of [cut, grown, '00', record.replace(/^(....)01/, '$109')]) {
    await target.call('inject', hex);
  }
  expect(await target.call('inject', '')).toMatchObject({ created: 0, malformed: 4, refused: 0 });
  expect(listed(copier)).toEqual([]);
});
