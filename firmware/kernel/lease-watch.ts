/**
 * Notices that somebody else changed the lease table. Only needed where the kernel cannot protect
 * the table itself (before Linux 6.9); elsewhere nothing is open and nothing is received.
 */
import { decodeTableEvent, NF_TABLES_GROUP } from '../wire/nf-tables.ts';
import { LEASE_TABLE } from './lease-sets.ts';
import type { LeaseTable } from './lease-table.ts';
import { NetlinkSocket, protocols } from './netlink-socket.ts';

export class LeaseWatch {
  readonly #lease: LeaseTable;
  readonly #ownPort: number;
  #events: NetlinkSocket | undefined;

  /** `ownPort`: of the socket the table is changed with. */
  constructor(lease: LeaseTable, ownPort: number) {
    this.#lease = lease;
    this.#ownPort = ownPort;
  }

  /** Readable when the table may have changed; undefined while it is protected. */
  get fd(): number | undefined {
    return this.#events?.fd;
  }

  /** To be called when the table has been written: only then is known whether it is protected. */
  update(): void {
    if (this.#lease.owned === (this.#events === undefined)) return;
    if (this.#lease.owned) this.close();
    else this.#events = new NetlinkSocket(protocols.netfilter, [NF_TABLES_GROUP]);
  }

  /** Reads the events that wait. */
  read(damaged: (text: string) => void): void {
    let changed = false;
    const complete = this.#events?.readEvents((message) => {
      if (message.port === this.#ownPort) return;
      changed ||= decodeTableEvent(message)?.table === LEASE_TABLE;
    });
    if (!changed && complete !== false) return;
    this.#lease.doubt();
    damaged(changed ? 'the lease table was changed' : 'events of nf_tables were lost');
  }

  close(): void {
    this.#events?.close();
    this.#events = undefined;
  }
}
