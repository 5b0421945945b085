/** A process of its own that asks for echoes and forgets marked connections in its namespace. */
import { type EchoPlace, EchoSocket } from '../../firmware/kernel/echo-socket.ts';
import { forgetMarkedFlows } from '../../firmware/kernel/marked-flows.ts';
import { native } from '../../firmware/kernel/native-socket.ts';
import { serveCalls } from './json-lines.ts';

const PATIENCE_NS = 5e9;

serveCalls({
  /** Sequence numbers that were answered of those that were asked for, in order of arrival. */
  ask(place: EchoPlace, host: string, sequences: readonly number[]) {
    const socket = new EchoSocket(place);
    try {
      const sent = sequences.filter((sequence) => socket.ask(host, sequence));
      const heard: number[] = [];
      while (heard.length < sent.length) {
        if (native.poll(Int32Array.of(socket.fd), new Int32Array(1), 1, PATIENCE_NS) === 0) break;
        socket.receive((sequence) => void heard.push(sequence));
      }
      return { sent, heard };
    } finally {
      socket.close();
    }
  },
  forget: (mark: number, mask: number) => forgetMarkedFlows(mark, mask),
});
