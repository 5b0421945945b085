import { afterAll, describe, expect, test } from 'vitest';
import { KernelError } from '../../firmware/kernel/kernel-error.ts';
import { NetlinkSocket, protocols } from '../../firmware/kernel/netlink-socket.ts';
import * as rtnetlink from '../../firmware/wire/rtnetlink.ts';

const ENODEV = 19;
const NO_SUCH_INDEX = 0x7fffffff;

const socket = new NetlinkSocket(protocols.route);
afterAll(() => socket.close());

const asked = { code: 'link-refused', what: 'look at a link' } as const;
const look = (index: number, tolerated: readonly number[] = []) =>
  socket.query(rtnetlink.getLink(index), rtnetlink.decodeLink, { ...asked, tolerated });

describe('requests', () => {
  test('are answered', () => {
    expect(look(1)).toMatchObject({ index: 1, name: 'lo' });
  });

  test('are refused with errno and the words of what was asked', () => {
    expect(() => look(NO_SUCH_INDEX)).toThrow('look at a link: ENODEV');
    expect(() => look(NO_SUCH_INDEX)).toThrow(KernelError);
    expect(look(NO_SUCH_INDEX, [ENODEV])).toBeUndefined();
  });

  test('many at once have each their own outcome', () => {
    const requests = [rtnetlink.raiseLink(NO_SUCH_INDEX), rtnetlink.deleteLink(NO_SUCH_INDEX)];
    const outcomes = socket.attempt([...requests, rtnetlink.raiseLink(1)], asked);
    expect(outcomes.map((each) => each?.errno)).toEqual([ENODEV, ENODEV, undefined]);
    expect(() => socket.perform(requests, asked)).toThrow('ENODEV');
    socket.perform(requests, { ...asked, tolerated: [ENODEV] });
    socket.perform([], asked);
  });

  test('for lists bring all of it', () => {
    const links = socket.dump(rtnetlink.dumpLinks, rtnetlink.decodeLink, asked);
    expect(links.filter(({ index }) => index === 1)).toHaveLength(1);
    const addresses = socket.dump(rtnetlink.dumpAddresses, rtnetlink.decodeAddress, asked);
    expect(addresses.every(({ prefix }) => prefix <= 128)).toBe(true);
  });
});
