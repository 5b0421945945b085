/**
 * From a config directory to a configuration, or to lines that say what is wrong and where.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { checkDocument, type Documents } from '../core/configuration/document-check.ts';
import type { PairConfiguration, Role } from '../core/configuration/pair-configuration.ts';
import { type DocumentName, formatProblem, type Problem } from '../core/configuration/problem.ts';
import { resolveConfiguration } from '../core/configuration/resolve-configuration.ts';
import { ClusterSecret } from '../kernel/cluster-secret.ts';
import {
  type ConfigFile,
  type ConfigFileReading,
  type FileProblem,
  parseConfigText,
  readConfigFile,
} from '../kernel/config-files.ts';

export type ConfigurationLoading =
  | {
      readonly ok: true;
      readonly configuration: PairConfiguration;
      /** SHA-256 in hex of the content of cluster.yaml: equal on both nodes, or they drift. */
      readonly hash: string;
      /** Key of the TLS sessions between the nodes' configurations; undefined without a secret. */
      readonly syncKey: Uint8Array | undefined;
      /** What people wrote, defaults filled in. */
      readonly documents: Documents;
    }
  /** Each `file:line: field: found X, expected Y`, in the order of files and lines. */
  | { readonly ok: false; readonly problems: readonly string[] };

/** Where the secret of the pair belongs on this node, as far as node.yaml is written already. */
export type SecretPlace =
  | {
      readonly ok: true;
      readonly path: string;
      /** Whether node.yaml names it; otherwise it is DEFAULT_SECRET. */
      readonly isNamed: boolean;
      /** Undefined without node.yaml. */
      readonly role: Role | undefined;
    }
  | { readonly ok: false; readonly problems: readonly string[] };

/** Name of the file with the secret, in the config directory, when node.yaml names none. */
const DEFAULT_SECRET = 'cluster.key';

/** What fits into a beat: enough to notice that the nodes differ. */
const HASH_DIGITS = 16;

/** A document that was read; `value` is undefined when there are problems. */
interface ReadDocument<Name extends DocumentName> {
  readonly value: Documents[Name] | undefined;
  readonly file: ConfigFile | undefined;
  readonly problems: readonly FileProblem[];
}

/** `clusterText` stands in for the cluster.yaml of the directory. */
export function loadConfiguration(configDir: string, clusterText?: string): ConfigurationLoading {
  const node = readDocument('node', readConfigFile(configDir, 'node.yaml'));
  const clusterReading =
    clusterText === undefined
      ? readConfigFile(configDir, 'cluster.yaml')
      : parseConfigText(clusterText);
  const cluster = readDocument('cluster', clusterReading);
  const secret = node.value?.secret === undefined ? undefined : readSecret(configDir, node);
  const problems = {
    node: [...node.problems, ...(secret?.problems ?? [])],
    cluster: [...cluster.problems],
  };
  if (node.value && cluster.value) {
    const resolution = resolveConfiguration({
      node: node.value,
      cluster: cluster.value,
      clusterHash: cluster.file?.hash.slice(0, HASH_DIGITS) ?? '',
      beatKey: secret?.value?.beatKey(),
      flowKeys: secret?.value && {
        key: secret.value.flowKey(),
        nameSeed: secret.value.flowNameSeed(),
      },
      derivePassword: secret && ((vhid) => secret.value?.carpPassword(vhid) ?? new Uint8Array()),
    });
    if (resolution.ok && problems.node.length === 0) {
      return {
        ok: true,
        configuration: resolution.configuration,
        hash: cluster.file?.hash ?? '',
        syncKey: secret?.value?.syncKey(),
        documents: { node: node.value, cluster: cluster.value },
      };
    }
    for (const problem of resolution.ok ? [] : resolution.problems) {
      const { file } = problem.document === 'node' ? node : cluster;
      problems[problem.document].push(located(file, problem));
    }
  }
  const lines = [...sentences('node', problems.node), ...sentences('cluster', problems.cluster)];
  return { ok: false, problems: lines };
}

/** Looks at node.yaml only: before a node is paired, the rest may still be missing. */
export function secretPlace(configDir: string): SecretPlace {
  const fallback = { ok: true, path: resolve(configDir, DEFAULT_SECRET), isNamed: false } as const;
  if (!existsSync(join(configDir, 'node.yaml'))) return { ...fallback, role: undefined };
  const { value, problems } = readDocument('node', readConfigFile(configDir, 'node.yaml'));
  if (value === undefined) return { ok: false, problems: sentences('node', problems) };
  const { role, secret } = value;
  if (secret === undefined) return { ...fallback, role };
  return { ok: true, path: resolve(configDir, secret), isNamed: true, role };
}

function readDocument<Name extends DocumentName>(
  name: Name,
  reading: ConfigFileReading,
): ReadDocument<Name> {
  if (!reading.ok) return { value: undefined, file: undefined, problems: reading.problems };
  const { file } = reading;
  const check = checkDocument(name, file.value);
  if (check.ok) return { value: check.value, file, problems: [] };
  const problems = check.problems.map((problem) => located(file, problem));
  return { value: undefined, file, problems };
}

function readSecret(configDir: string, node: ReadDocument<'node'>) {
  const reading = ClusterSecret.read(resolve(configDir, node.value?.secret ?? ''));
  if (reading.ok) return { value: reading.secret, problems: [] };
  const { found, expected } = reading;
  const problem = located(node.file, { document: 'node', path: ['secret'], found, expected });
  return { value: undefined, problems: [problem] };
}

function located(file: ConfigFile | undefined, problem: Problem): FileProblem {
  return { ...problem, line: file?.lineOf(problem.path) };
}

/** One line each, in the order of the file. */
function sentences(name: DocumentName, problems: readonly FileProblem[]): readonly string[] {
  return problems
    .toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0))
    .map((problem) => {
      const place = problem.line === undefined ? '' : `:${problem.line}`;
      return `${name}.yaml${place}: ${formatProblem(problem)}`;
    });
}
