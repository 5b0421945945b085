// FTP in active mode (RFC 959), as much of it as a connection tracking helper must understand: the
// client announces a port on its control connection, and the server opens the data connection.
//
//   ftp-probe.ts serve
//   ftp-probe.ts connect ADDRESS
//
// The client's standard input: "announce" sends PORT, "fetch" asks for the data connection.
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

const CONTROL_PORT = 21;
const PATIENCE_MS = 8000;

const say = (event: object): void => void process.stdout.write(`${JSON.stringify(event)}\n`);

const [role = '', address = ''] = process.argv.slice(2);
if (role === 'serve') await serve();
else await fetch(address);

async function serve(): Promise<void> {
  const server = createServer((control) => {
    let place: readonly number[] = [];
    control.on('error', () => control.destroy());
    control.write('220 ready\r\n');
    createInterface({ input: control }).on('line', (line) => {
      if (line.startsWith('PORT ')) place = line.slice(5).split(',').map(Number);
      control.write('200 ok\r\n');
      if (line.startsWith('RETR')) deliver(place);
    });
  });
  server.listen(CONTROL_PORT);
  await once(server, 'listening');
  say({ event: 'ready', t: 0 });
}

function deliver(place: readonly number[]): void {
  const [high = 0, low = 0] = place.slice(4);
  const socket = connect({ host: place.slice(0, 4).join('.'), port: high * 256 + low });
  socket.on('error', () => socket.destroy());
  socket.end('content\n');
}

async function fetch(host: string): Promise<void> {
  const control = connect(CONTROL_PORT, host);
  control.on('error', () => control.destroy());
  const answers = createInterface({ input: control })[Symbol.asyncIterator]();
  await answers.next();
  // The helper looks at a line only when it has seen the end of the one before.
  control.write('USER somebody\r\n');
  await answers.next();
  const data = createServer();
  data.listen(0, '0.0.0.0');
  await once(data, 'listening');
  say({ event: 'ready', t: 0 });
  for await (const line of createInterface({ input: process.stdin })) {
    if (line === 'announce') {
      control.write(`PORT ${announced(control, data.address())}\r\n`);
      const { value } = await answers.next();
      say({ event: 'announced', t: 0, answer: value });
    } else if (line === 'fetch') {
      const arrival = once(data, 'connection', { signal: AbortSignal.timeout(PATIENCE_MS) });
      control.write('RETR file\r\n');
      const answer = (await answers.next()).value;
      const content = await arrival.then(([socket]) => contentOf(socket)).catch(() => '');
      say({ event: 'fetched', t: 0, answer, content });
    }
  }
}

function announced(control: Socket, listening: ReturnType<Socket['address']> | string | null) {
  const port =
    typeof listening === 'object' && listening !== null ? Reflect.get(listening, 'port') : 0;
  return [...(control.localAddress ?? '').split('.'), port >> 8, port & 0xff].join(',');
}

async function contentOf(socket: Socket): Promise<string> {
  let text = '';
  for await (const bytes of socket) text += String(bytes);
  return text;
}
