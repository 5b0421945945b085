/**
 * A process of its own that holds a lease table of either kind. Tests run it inside a network
 * namespace.
 */
import { LeaseTable } from '../../firmware/kernel/lease-table.ts';
import { LeaseWatch } from '../../firmware/kernel/lease-watch.ts';
import { native } from '../../firmware/kernel/native-socket.ts';
import { NetlinkSocket, protocols } from '../../firmware/kernel/netlink-socket.ts';
import { serveCalls } from './json-lines.ts';

const socket = new NetlinkSocket(protocols.netfilter);
let table = new LeaseTable(socket);
let watch = new LeaseWatch(table, socket.port);

const PARENT_MAC = '02:00:00:00:00:01';
const link = (name: string) => ({ name, index: native.interfaceIndex(name) });

serveCalls({
  /** From here on as kernels before Linux 6.9 have it. */
  beOrdinary() {
    table = new LeaseTable(socket, false);
    watch = new LeaseWatch(table, socket.port);
  },
  /** A layout of device names: the rules do not care what kind of device they hang on. */
  install({ macvlans, parents, vips }, standing = []) {
    const layout = { leaseMilliseconds: 60_000, vips };
    table.install(
      {
        ...layout,
        macvlans: macvlans.map((name: string) => ({ ...link(name), parentMac: PARENT_MAC })),
        parents: parents.map(link),
      },
      standing,
    );
    watch.update();
  },
  owned: () => table.owned,
  claim: (group) => table.claim(group),
  release: (group) => table.release(group),
  linger: (group, microseconds) => table.linger(group, microseconds),
  remove: () => table.remove(),
  /** What the watch says of events that wait, after waiting for one. */
  damage() {
    const texts: string[] = [];
    native.poll(Int32Array.of(watch.fd ?? -1), new Int32Array(1), 1, 5e9);
    watch.read((text) => texts.push(text));
    return texts;
  },
  /** The same without waiting; undefined when nothing is watched. */
  quiet() {
    const texts: string[] = [];
    watch.read((text) => texts.push(text));
    return watch.fd === undefined ? 'not watched' : texts;
  },
});
