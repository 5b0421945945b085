/**
 * Where the nodes of a pair meet to compare their configurations: on the sync interface, under a
 * key of its own.
 */
import type { SyncPlace } from '../kernel/sync-socket.ts';
import type { ConfigurationLoading } from './configuration-loading.ts';

/** Undefined without a sync interface and a secret. */
export function syncPlace({
  configuration,
  syncKey,
}: Extract<ConfigurationLoading, { ok: true }>): SyncPlace | undefined {
  const sync = configuration.interfaces.find(({ peer }) => peer !== undefined);
  if (sync?.peer === undefined || syncKey === undefined) return undefined;
  const isVersion6 = sync.peer.includes(':');
  const own = sync.addresses.find(({ address }) => address.includes(':') === isVersion6);
  return own && { local: own.address, peer: sync.peer, key: syncKey };
}
