/**
 * One thing on this machine that is rendered from the configuration: the nftables table, the
 * routes.
 *
 * Texts are compared, shown and kept as they are: the same configuration must always give the same
 * text. The words of a refusal are for people: one line or a few, without secrets.
 */
import type { PairConfiguration } from '../../core/configuration/pair-configuration.ts';

export interface Engine {
  /** Short and unique, in lower case: `nftables`, `routes`. */
  readonly name: string;
  /** Pure. What `yoke config plan` shows; empty when the configuration wants nothing of it. */
  render(configuration: PairConfiguration): string;
  /** A dry run: undefined when this machine would take the text, else the engine's own words. */
  check(text: string): Promise<string | undefined>;
  /**
   * One atomic change from whatever is there; the same text twice changes nothing the second time.
   * An empty text removes everything of ours. When it fails (the engine's words) nothing has
   * changed.
   */
  apply(text: string): Promise<string | undefined>;
  /** What differs on this machine from what the text says; undefined when nothing does. */
  drift(text: string): Promise<string | undefined>;
}
