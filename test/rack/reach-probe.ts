// Who reaches whom through a gateway, and as whom. The server answers each connection with the
// address it sees it come from; the client tells that, or how it was turned away.
//
//   reach-probe.ts serve PORT...
//   reach-probe.ts reach ADDRESS PORT
//
// "refused" and "unreachable" were said by somebody; "silent" means that nobody said anything.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** A word of the network would have come long before; what is dropped never has one. */
const SILENCE_MS = 4000;

const say = (event: object): void => void process.stdout.write(`${JSON.stringify(event)}\n`);

const [role = '', ...words] = process.argv.slice(2);
if (role === 'serve') await serve(words.map(Number));
else say({ event: 'reached', t: 0, ...(await reach(words[0] ?? '', Number(words[1]))) });

async function serve(ports: readonly number[]): Promise<void> {
  for (const port of ports) {
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.end((socket.remoteAddress ?? '').replace('::ffff:', ''));
    });
    server.listen(port, '::');
    await once(server, 'listening');
  }
  say({ event: 'ready', t: 0 });
}

function reach(address: string, port: number): Promise<{ seen: string }> {
  return new Promise((resolve) => {
    let seen = '';
    const socket = connect(port, address);
    const end = (words: string) => {
      socket.destroy();
      resolve({ seen: words });
    };
    socket.setTimeout(SILENCE_MS, () => end('silent'));
    socket.on('data', (chunk) => {
      seen += chunk;
    });
    socket.on('end', () => end(seen));
    socket.on('error', ({ code }: NodeJS.ErrnoException) => {
      end(code === 'ECONNREFUSED' ? 'refused' : 'unreachable');
    });
  });
}
