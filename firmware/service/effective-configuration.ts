/**
 * What a node makes of both documents: defaults filled in, what follows from its role and its
 * secret, as YAML for people.
 */

import { formatDuration } from '../core/configuration/duration-text.ts';
import type { PairConfiguration } from '../core/configuration/pair-configuration.ts';
import { maskedValue } from '../kernel/masked-text.ts';
import { writtenYaml } from '../kernel/written-yaml.ts';
import { type ConfigurationLoading, loadConfiguration } from './configuration-loading.ts';

type Loaded = Extract<ConfigurationLoading, { ok: true }>;

export function effectiveConfiguration(
  configDir: string,
  clusterText: string,
  { secrets }: { readonly secrets: boolean },
): { ok: true; readonly text: string } | { ok: false; readonly problems: readonly string[] } {
  const loading = loadConfiguration(configDir, clusterText);
  if (!loading.ok) return loading;
  const value = { ...loading.documents, derived: derived(loading) };
  const text = writtenYaml(secrets ? value : maskedValue(value));
  return { ok: true, text };
}

/** What nobody has written. */
function derived({ configuration, hash }: Loaded) {
  const { vips, beats, flows, lacksSecret } = configuration;
  return {
    hash,
    vips: vips.map((vip) => ({
      name: vip.name,
      advbase: vip.advbase,
      advskew: vip.advskew,
      password: passwordText(vip),
    })),
    beats: beats && {
      interval: formatDuration(beats.interval),
      deadTime: formatDuration(beats.deadTime),
    },
    flows: flows === undefined ? 'off' : 'on',
    ...(lacksSecret && { lacks: 'the secret of the pair' }),
  };
}

const passwordText = ({ password }: PairConfiguration['vips'][number]): string =>
  new TextDecoder().decode(password);
