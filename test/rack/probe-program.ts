// The rack's probes are small C programs (the reason stands at the head of each): compiled with the
// machine's gcc when they are first needed, kept under build/rack by the hash of their source.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { commandNow } from './command.ts';

const SOURCES = new URL('./probes/', import.meta.url).pathname;
const PROGRAMS = new URL('../../build/rack/', import.meta.url).pathname;

export type ProbeName =
  | 'carp-attacker'
  | 'conntrack-inserts'
  | 'datagram-stream'
  | 'echo-probe'
  | 'garbage-flood'
  | 'switch-tap'
  | 'tcp-streams';

/** Path of the ready program. Throws what the compiler said. */
export function probeProgram(name: ProbeName): string {
  const source = `${SOURCES}${name}.c`;
  const hash = createHash('sha256');
  for (const file of [source, `${SOURCES}probe-loop.h`]) hash.update(readFileSync(file));
  const program = `${PROGRAMS}${name}-${hash.digest('hex').slice(0, 12)}`;
  if (existsSync(program)) return program;
  mkdirSync(PROGRAMS, { recursive: true });
  const unfinished = `${program}.${process.pid}`; // others may compile the same at the same time
  commandNow('gcc', ['-O2', '-Wall', '-Wextra', '-Werror', '-o', unfinished, source]);
  renameSync(unfinished, program);
  return program;
}
