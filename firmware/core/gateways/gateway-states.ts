/** What is known of gateways: the words that monitor, choice and status share. */

/** From good to bad. */
export type GatewayLevel = 'up' | 'warn' | 'down';

/** `unknown`: nothing has been heard or missed yet; it is used like one that is up. */
export type GatewayState = GatewayLevel | 'unknown';

export interface GatewayReport {
  readonly name: string;
  readonly state: GatewayState;
  /** Of the two that `state` is the worse of. */
  readonly lossLevel: GatewayLevel;
  readonly latencyLevel: GatewayLevel;
  /** Share of the window's requests without an answer, 0 to 1; null before the first verdict. */
  readonly loss: number | null;
  /** Mean time to an answer in milliseconds; null without one. */
  readonly latencyMs: number | null;
}

const RANKS: Readonly<Record<GatewayLevel, number>> = { up: 0, warn: 1, down: 2 };

export const isWorse = (one: GatewayLevel, other: GatewayLevel): boolean =>
  RANKS[one] > RANKS[other];

export const worse = (one: GatewayLevel, other: GatewayLevel): GatewayLevel =>
  isWorse(one, other) ? one : other;
