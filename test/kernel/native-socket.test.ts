import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { KernelError } from '../../firmware/kernel/kernel-error.ts';
import { checked, native } from '../../firmware/kernel/native-socket.ts';

const AF_INET = 2;
const SOCK_DGRAM = 2;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const EBADF = -9;
const EINVAL = -22;
const ENOTSOCK = -88;

/** A UDP socket on the loopback address, and that address. */
function udp(): { fd: number; address: Uint8Array } {
  const fd = native.openSocket(AF_INET, SOCK_DGRAM, 0);
  const address = Uint8Array.of(AF_INET, 0, 0, 0, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0);
  checked(native.bind(fd, address), 'bind');
  expect(native.socketName(fd, address)).toBe(16);
  return { fd, address };
}

describe('sockets', () => {
  test('send, receive, and tell the whole length of what did not fit', () => {
    const { fd, address } = udp();
    const out = new Uint8Array(4);
    expect(native.receive(fd, out)).toBe(-11);
    expect(native.send(fd, Uint8Array.of(1, 2, 3, 4, 5, 6), 5, address)).toBe(5);
    expect(native.receive(fd, out)).toBe(5);
    expect([...out]).toEqual([1, 2, 3, 4]);
    expect(native.connect(fd, address)).toBe(0);
    expect(native.send(fd, out, 1)).toBe(1);
    expect(native.setOption(fd, SOL_SOCKET, SO_RCVBUF, 65_536)).toBe(0);
    expect(native.getOption(fd, SOL_SOCKET, SO_RCVBUF)).toBe(131_072);
    expect(native.close(fd)).toBe(0);
    expect(native.close(fd)).toBe(EBADF);
  });

  test('take batches both ways, a cut datagram marked', () => {
    const { fd, address } = udp();
    const data = Uint8Array.of(1, 2, 3, 4, 5, 6);
    const outgoing = native.sendBatch(data, Int32Array.of(0, 2, 2, 4, 0, 1), address);
    if (typeof outgoing === 'number') throw new Error('no batch');
    expect(native.sendMany(outgoing, fd, 3)).toBe(3);
    const slots = new Uint8Array(9);
    const lengths = new Int32Array(4);
    const incoming = native.receiveBatch(slots, lengths, 3);
    if (typeof incoming === 'number') throw new Error('no batch');
    expect(native.receiveMany(incoming, fd)).toBe(3);
    expect([...lengths]).toEqual([2, -4, 1, 0]);
    expect([...slots]).toEqual([1, 2, 0, 3, 4, 5, 1, 0, 0]);
    expect(native.receiveMany(incoming, fd)).toBe(-11);
    native.close(fd);
  });
});

describe('sending', () => {
  test('is left to another thread, which says when it is done', () => {
    const { fd, address } = udp();
    native.connect(fd, address);
    const done = native.openEvent();
    expect(native.sendAside(fd, Uint8Array.of(1, 2, 3), done)).toBe(0);
    native.poll(Int32Array.of(done), new Int32Array(1), 1, -1);
    expect(native.drain(done)).toBe(1);
    const out = new Uint8Array(4);
    expect(native.receive(fd, out)).toBe(3);
    expect([...out]).toEqual([1, 2, 3, 0]);
    native.close(fd);
    expect(native.sendAside(fd, Uint8Array.of(1), done)).toBe(0);
    native.poll(Int32Array.of(done), new Int32Array(1), 1, -1);
    native.close(done);
  });

  test('is told with each datagram by whom', () => {
    const [one, other] = [udp(), udp()];
    native.send(other.fd, Uint8Array.of(7), 1, one.address);
    native.send(one.fd, Uint8Array.of(8), 1, one.address);
    const senders = new Uint8Array(3 * 28);
    const batch = native.receiveBatch(new Uint8Array(9), new Int32Array(3), 3, senders);
    if (typeof batch === 'number') throw new Error('no batch');
    expect(native.receiveMany(batch, one.fd)).toBe(2);
    expect([...senders.subarray(0, 8)]).toEqual([...other.address.subarray(0, 8)]);
    expect([...senders.subarray(28, 36)]).toEqual([...one.address.subarray(0, 8)]);
    for (const { fd } of [one, other]) native.close(fd);
  });
});

describe('wrong arguments are refused, whatever they are', () => {
  const nothing = undefined as never;
  const batch = native.receiveBatch(new Uint8Array(8), new Int32Array(2), 4) as never;
  const spans = Int32Array.of(0, 9, -1, 2);
  const sending = native.sendBatch(new Uint8Array(8), spans) as never;
  test.each([
    ['no number', () => native.openSocket('2' as never, 2, 0)],
    ['no argument', () => native.close(nothing)],
    ['no bytes', () => native.bind(1, [] as never)],
    ['other numbers than bytes', () => native.send(1, new Int32Array(2) as never, 1)],
    ['more than there is', () => native.send(1, new Uint8Array(2), 3)],
    ['less than nothing', () => native.send(1, new Uint8Array(2), -1)],
    ['half an instruction', () => native.attachFilter(1, new Uint8Array(12))],
    ['an empty filter', () => native.attachFilter(1, new Uint8Array(0))],
    ['slots of no size', () => native.receiveBatch(new Uint8Array(8), new Int32Array(2), 0)],
    ['no slot', () => native.receiveBatch(new Uint8Array(8), new Int32Array(2), 9)],
    [
      'no room for senders',
      () => native.receiveBatch(new Uint8Array(8), new Int32Array(2), 4, new Uint8Array(55)),
    ],
    ['nobody to tell', () => native.sendAside(1, new Uint8Array(1), nothing)],
    ['something that is no batch', () => native.receiveMany({} as never, 1)],
    ['a batch for the other way', () => native.receiveMany(sending, 1)],
    ['a batch for the other way too', () => native.sendMany(batch, 1, 1)],
    ['a span beyond the data', () => native.sendMany(sending, 1, 1)],
    ['a span before the data', () => native.sendMany(sending, 1, 2)],
    ['more spans than there are', () => native.sendMany(sending, 1, 3)],
    [
      'more descriptors than there are',
      () => native.poll(new Int32Array(1), new Int32Array(1), 2, 0),
    ],
    ['no room for findings', () => native.poll(new Int32Array(2), new Int32Array(1), 2, 0)],
    ['no time', () => native.poll(new Int32Array(1), new Int32Array(1), 1, Number.NaN)],
    ['a time before the clock', () => native.setTimer(1, -1)],
    ['something that is no watch', () => native.stopWatch({} as never)],
    ['no function', () => native.watch(1, 1, 'call' as never)],
  ])('%s', (_, act) => {
    expect(act()).toBe(EINVAL);
  });

  test('and the kernel refuses the others', () => {
    expect(native.receive(0x7fffffff, new Uint8Array(1))).toBe(EBADF);
    const event = native.openEvent();
    expect(native.receive(event, new Uint8Array(1))).toBe(ENOTSOCK);
    native.close(event);
    expect(native.interfaceIndex('a-name-too-long-for-a-device')).toBeLessThan(0);
    expect(native.interfaceIndex('no-such')).toBeLessThan(0);
    expect(native.interfaceIndex('lo')).toBe(1);
  });

  test('checked turns a refusal into an error with a name', () => {
    expect(checked(3, 'count')).toBe(3);
    expect(() => checked(EBADF, 'read a thing')).toThrow(KernelError);
    expect(() => checked(EBADF, 'read a thing')).toThrow('read a thing: EBADF');
  });
});

describe('waiting', () => {
  test('ends when a descriptor is ready, and says which', () => {
    const [first, second] = [native.openEvent(), native.openEvent()];
    const found = new Int32Array(3);
    native.signalEvent(second);
    expect(native.poll(Int32Array.of(first, second, -1), found, 3, -1)).toBe(1);
    expect([...found]).toEqual([0, 1, 0]);
    expect(native.drain(second)).toBe(1);
    expect(native.drain(second)).toBe(0);
    expect(native.poll(Int32Array.of(first, second), found, 2, 0)).toBe(0);
    native.close(first);
    native.close(second);
  });

  test('ends when an instant has come, not before', () => {
    const timer = native.openTimer();
    const at = native.monotonic() + 2_000;
    expect(native.setTimer(timer, at)).toBe(0);
    native.poll(Int32Array.of(timer), new Int32Array(1), 1, -1);
    expect(native.monotonic()).toBeGreaterThanOrEqual(at);
    expect(native.drain(timer)).toBe(1);
    native.setTimer(timer, at);
    expect(native.setTimer(timer, 0)).toBe(0);
    expect(native.poll(Int32Array.of(timer), new Int32Array(1), 1, 0)).toBe(0);
    native.close(timer);
  });

  test('may be left to the event loop', async () => {
    const event = native.openEvent();
    const events = await new Promise<number>((resolve) => {
      const watch = native.watch(event, 1, (found) => {
        if (typeof watch === 'number') throw new Error('not watched');
        expect(native.setWatch(watch, 0)).toBe(0);
        expect(native.stopWatch(watch)).toBe(0);
        expect(native.setWatch(watch, 1)).toBe(EINVAL);
        resolve(found);
      });
      native.signalEvent(event);
    });
    expect(events).toBe(1);
    native.close(event);
  });

  test('in a worker ends with the worker', async () => {
    const module = import.meta.resolve('../../firmware/kernel/native-socket.ts');
    const program = `
      import { native } from ${JSON.stringify(module)};
      import { parentPort } from 'node:worker_threads';
      globalThis.watch = native.watch(native.openEvent(), 1, () => undefined);
      parentPort.postMessage(typeof globalThis.watch);
    `;
    const url = new URL(`data:text/javascript,${encodeURIComponent(program)}`);
    const worker = new Worker(url);
    const kind = await new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
    expect(kind).toBe('object');
    expect(await worker.terminate()).toBe(1);
  });
});
