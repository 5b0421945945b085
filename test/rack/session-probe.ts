// Sessions that say something only when they are asked to: what people leave open over lunch. The
// server answers every word with the address and port it came from, so that a client sees whether
// it is still the same to the outside. Started by sessions.ts, inside a station.
//
//   session-probe.ts serve PORT
//   session-probe.ts connect ADDRESS PORT tcp|udp COUNT
//
// "ask" on standard input: every session says a word, and those that get an answer are counted.
import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, isIPv6 } from 'node:net';
import { createInterface } from 'node:readline';

const ANSWER_PATIENCE_MS = 8000;
const AGAIN_MS = 500;

/** One session: says a word, and resolves with what the answer said of where it came from. */
type Ask = () => Promise<string | undefined>;

const say = (event: object): void => void process.stdout.write(`${JSON.stringify(event)}\n`);

const [role = '', ...words] = process.argv.slice(2);
if (role === 'serve') await serve(Number(words[0]));
else
  await ask(words[0] ?? '', Number(words[1]), words[2] === 'udp' ? 'udp' : 'tcp', Number(words[3]));

async function serve(port: number): Promise<void> {
  const seen = ({ address, port: from }: Pick<RemoteInfo, 'address' | 'port'>): string =>
    `${address} ${from}\n`;
  const streams = createServer((socket) => {
    const { remoteAddress = '', remotePort = 0 } = socket;
    socket.on('error', () => socket.destroy());
    socket.on('data', () => socket.write(seen({ address: remoteAddress, port: remotePort })));
  });
  streams.listen(port, '::');
  const datagrams = createSocket({ type: 'udp6', recvBufferSize: 1 << 20 });
  datagrams.on('message', (_, from) => datagrams.send(seen(from), from.port, from.address));
  datagrams.bind(port, '::');
  await Promise.all([once(streams, 'listening'), once(datagrams, 'listening')]);
  say({ event: 'ready', t: 0 });
}

async function ask(
  address: string,
  port: number,
  kind: 'tcp' | 'udp',
  count: number,
): Promise<void> {
  const open = kind === 'tcp' ? openStream : openDatagrams;
  const sessions = await Promise.all(Array.from({ length: count }, () => open(address, port)));
  const places = await Promise.all(sessions.map((each) => each()));
  say({ event: 'ready', t: 0 });
  for await (const line of createInterface({ input: process.stdin })) {
    if (line !== 'ask') continue;
    const answers = await Promise.all(sessions.map((each) => each()));
    const answered = answers.filter((place) => place !== undefined).length;
    const same = answers.filter((place, index) => place === places[index]).length;
    const addresses = answers.map((place) => place?.split(' ')[0]?.replace('::ffff:', ''));
    const from = [...new Set(addresses.filter((address) => address !== undefined))];
    say({ event: 'asked', t: 0, sessions: count, answered, same, from });
  }
}

async function openStream(address: string, port: number): Promise<Ask> {
  const socket = connect({ host: address, port, noDelay: true });
  socket.on('error', () => socket.destroy());
  await once(socket, 'connect');
  return async () => {
    if (socket.destroyed) return undefined;
    const answer = once(socket, 'data', { signal: AbortSignal.timeout(ANSWER_PATIENCE_MS) });
    socket.write('word\n');
    return answer.then(([bytes]) => String(bytes)).catch(() => undefined);
  };
}

/** Datagrams may be lost while nobody forwards, so a word is said again until it is answered. */
async function openDatagrams(address: string, port: number): Promise<Ask> {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  socket.on('error', () => undefined);
  return async () => {
    const answer = once(socket, 'message', { signal: AbortSignal.timeout(ANSWER_PATIENCE_MS) });
    const send = (): void => socket.send('word\n', port, address);
    send();
    const again = setInterval(send, AGAIN_MS);
    const place = await answer.then(([bytes]) => String(bytes)).catch(() => undefined);
    clearInterval(again);
    return place;
  };
}
