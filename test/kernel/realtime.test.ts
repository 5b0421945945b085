import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { native } from '../../firmware/kernel/native-socket.ts';
import { enterRealtime } from '../../firmware/kernel/realtime.ts';

const SCHED_FIFO = 1;

/** Priority and policy of the calling thread: fields 40 and 41 of proc_pid_stat(5). */
function scheduling(): number[] {
  const text = readFileSync(`/proc/self/task/${native.threadId()}/stat`, 'latin1');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return fields.slice(37, 39).map(Number);
}

test('the calling thread is scheduled first come, first served', () => {
  const permitted = enterRealtime(3);
  expect(scheduling()).toEqual(permitted ? [3, SCHED_FIFO] : [0, 0]);
  native.setPriority(0, 0);
  expect(scheduling()).toEqual([0, 0]);
});

test('a priority that does not exist is a mistake of ours', () => {
  expect(() => enterRealtime(100)).toThrow('EINVAL');
});
