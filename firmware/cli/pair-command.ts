/**
 * `yoke pair`: gives both nodes of a pair the same secret.
 *
 * The first node makes it and shows a code, once; the other node takes the code, or a copy of the
 * file. Nothing is sent anywhere, and a running node reads the secret when it is told to reload.
 */
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { ClusterSecret } from '../kernel/cluster-secret.ts';
import { PairingCode } from '../kernel/pairing-code.ts';
import { type SecretPlace, secretPlace } from '../service/configuration-loading.ts';
import { type Invocation, UsageError } from './invocation.ts';

type Place = Extract<SecretPlace, { ok: true }>;

/** Copies on a FAT stick let everybody read them; ours will not. */
const ANY_MODE = 0o7777;
const QUESTION = 'code shown by the other node: ';

/** Why there is no new secret; one line for people. */
class Refusal extends Error {}

export async function pairCommand(invocation: Invocation): Promise<number> {
  const { terminal, configDir, words, values } = invocation;
  const file = values.get('file');
  if (file !== undefined && words.length > 0) throw new UsageError('pair wants a code or --file');
  const place = secretPlace(configDir);
  if (!place.ok) {
    for (const problem of place.problems) terminal.complain(problem);
    return 1;
  }
  try {
    if (file !== undefined) return take(fromFile(file), place, invocation);
    if (isCreating(words, place, configDir)) return create(place, invocation);
    const isAsked = words.length === 0 || words.join('') === '-';
    const code = isAsked ? await askedCode(invocation) : codeIn(words.join(''));
    if (code === undefined) return 1;
    return take(ClusterSecret.fromCode(code), place, invocation);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    terminal.complain(`yoke: ${error.message}`);
    return 1;
  }
}

/** The word says so, or the role: the primary begins. */
function isCreating([word, ...more]: readonly string[], { role }: Place, directory: string) {
  if (word === 'create') {
    if (more.length > 0) throw new UsageError(`pair create takes no ${more[0]}`);
    return true;
  }
  if (word !== undefined) return false;
  if (role !== undefined) return role === 'primary';
  const choice = 'yoke pair create on one node, yoke pair - on the other';
  throw new Refusal(`no node.yaml in ${directory} tells the role of this node: ${choice}`);
}

function create(place: Place, invocation: Invocation): number {
  const { terminal, flags } = invocation;
  if (existsSync(place.path) && !flags.has('new')) {
    const ways = 'copy it to the other node (pair --file), or make a new one for both (pair --new)';
    throw new Refusal(`${place.path} is there already; its code was shown only once: ${ways}`);
  }
  const code = PairingCode.random();
  const steps = write(ClusterSecret.fromCode(code), place);
  for (const line of [
    `${place.path} has the secret of the pair now. The code for the other node:`,
    '',
    `    ${code}`,
    '',
    'Enter it there at: yoke pair -',
    'It is shown only now, and whoever knows it knows the secret.',
    ...steps,
  ]) {
    terminal.print(line);
  }
  return 0;
}

/** The secret that the other node has made. */
function take(secret: ClusterSecret, place: Place, { flags, terminal }: Invocation): number {
  const { path } = place;
  const present = ClusterSecret.read(path);
  if (present.ok && present.secret.equals(secret)) {
    terminal.print(`${path} has this secret already.`);
    return 0;
  }
  if (existsSync(path) && !flags.has('new')) {
    const found = present.ok ? `${path} with another secret` : present.found;
    throw new Refusal(`found ${found}; pair --new replaces it`);
  }
  const steps = write(secret, place);
  for (const line of [`${path} has the secret of the pair now.`, ...steps]) terminal.print(line);
  return 0;
}

/** Returns what is left to be done, for people. */
function write(secret: ClusterSecret, place: Place): string[] {
  const replace = existsSync(place.path);
  const writing = secret.write(place.path, { replace });
  if (!writing.ok) throw new Refusal(writing.text);
  return nextSteps(place, replace);
}

function nextSteps({ path, isNamed }: Place, isReplaced: boolean): string[] {
  const naming = isNamed ? [] : [`Add this line to node.yaml: secret: ${basename(path)}`];
  const caution = [
    'Nodes with different secrets do not know each other and would both be MASTER:',
    'stop the BACKUP, reload the MASTER, then start the BACKUP again.',
  ];
  return [
    ...naming,
    'A node that is running reads it at: yoke reload',
    ...(isReplaced ? caution : []),
  ];
}

function fromFile(path: string): ClusterSecret {
  const reading = ClusterSecret.read(path, ANY_MODE);
  if (reading.ok) return reading.secret;
  throw new Refusal(`found ${reading.found}, expected ${reading.expected}`);
}

function codeIn(text: string): PairingCode {
  const reading = PairingCode.read(text);
  if (reading.ok) return reading.code;
  throw new Refusal(`found ${reading.found}, expected ${reading.expected}`);
}

/** A person may try again; who pipes a code in has given all there is. */
async function askedCode({ terminal }: Invocation): Promise<PairingCode | undefined> {
  for (let refusals = 0; ; refusals++) {
    const line = await terminal.ask(QUESTION);
    if (line === undefined) {
      if (refusals === 0) terminal.complain('yoke: no code given');
      return undefined;
    }
    const reading = PairingCode.read(line);
    if (reading.ok) return reading.code;
    terminal.complain(`yoke: found ${reading.found}, expected ${reading.expected}`);
  }
}
