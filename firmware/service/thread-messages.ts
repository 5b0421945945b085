/**
 * What the main thread and the election thread tell each other. Plain records: they are copied.
 */
import type { PairConfiguration } from '../core/configuration/pair-configuration.ts';
import type { DemotionReport } from '../core/node/external-demotions.ts';
import type { NodeEvent } from '../core/node/node-io.ts';
import type { NodeSnapshot } from '../core/node/node-snapshot.ts';
import type { RealtimeSnapshot } from '../core/telemetry/snapshot.ts';

export interface ThreadStart {
  readonly configuration: PairConfiguration;
  readonly maintenance: boolean;
  /** eventfd by which the main thread says that a message waits. */
  readonly wakeFd: number;
}

export type ToThread =
  | { readonly kind: 'configure'; readonly id: number; readonly configuration: PairConfiguration }
  | { readonly kind: 'maintenance'; readonly id: number; readonly entered: boolean }
  | { readonly kind: 'handover'; readonly id: number }
  | { readonly kind: 'flows'; readonly ready: boolean }
  | { readonly kind: 'demotions'; readonly report: DemotionReport }
  | { readonly kind: 'stop' };

export type FromThread =
  | {
      readonly kind: 'snapshot';
      readonly snapshot: NodeSnapshot;
      readonly realtime: RealtimeSnapshot;
    }
  /** `at`: wall clock, milliseconds since 1970. */
  | { readonly kind: 'event'; readonly at: number; readonly event: NodeEvent }
  /** What became of a command; the text is empty where there is only one outcome. */
  | {
      readonly kind: 'answer';
      readonly id: number;
      readonly ok: boolean;
      readonly text: string;
    }
  | { readonly kind: 'remember'; readonly maintenance: boolean }
  | { readonly kind: 'stopped' };
