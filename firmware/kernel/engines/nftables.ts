/**
 * The nftables table of the gateway on this machine: checked, replaced and compared by nft(8).
 *
 * The kernel does not keep rules as they were written. To tell whether they are still what a text
 * says, the text is loaded a second time as a dormant twin, a table whose chains hook nowhere, and
 * both are listed. What is the same is listed the same, by the same kernel and the same nft; the
 * twin's listing is kept, so the twin is needed once for each text.
 */
import { execFile } from 'node:child_process';
import type { Engine } from './engine.ts';

const TABLE = 'inet yoke_gateway';
const TWIN = `${TABLE}_twin`;
const DORMANT = 'flags dormant';

/** Of a table whether it is there or not. */
const removal = (table: string): string => `add table ${table}\ndelete table ${table}\n`;

/** As nft says ENOENT in the C locale. */
const NO_SUCH_TABLE = 'No such file or directory';

const MOST_OUTPUT = 256 << 20;
/** Of a difference so many letters of a line are shown. */
const LONGEST_LINE = 160;

interface Finished {
  readonly output: string;
  /** What went wrong, in nft's own words. */
  readonly refusal: string | undefined;
}

export class NftablesEngine implements Engine {
  readonly name = 'nftables';
  readonly render: Engine['render'];
  #listed: { readonly text: string; readonly twin: string } | undefined;
  /** There is one twin at a time. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(render: Engine['render']) {
    this.render = render;
  }

  async check(text: string): Promise<string | undefined> {
    return (await nft(['-c', '-f', '-'], text)).refusal;
  }

  async apply(text: string): Promise<string | undefined> {
    return (await nft(['-f', '-'], text === '' ? removal(TABLE) : text)).refusal;
  }

  drift(text: string): Promise<string | undefined> {
    const turn = this.#turn.then(() => this.#drift(text));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #drift(text: string): Promise<string | undefined> {
    const { output, refusal } = await list(TABLE);
    const isAbsent = refusal?.includes(NO_SUCH_TABLE) === true;
    if (refusal !== undefined && !isAbsent) return refusal;
    if (text === '')
      return isAbsent ? undefined : `table ${TABLE} is there, though nothing is configured`;
    if (isAbsent) return `table ${TABLE} is not there`;
    if (this.#listed?.text !== text) {
      const twin = await listTwin(text);
      if (twin.refusal !== undefined) return twin.refusal;
      const awake = twin.output.replace(`\t${DORMANT}\n`, '');
      this.#listed = { text, twin: awake };
    }
    return difference(linesOf(output), linesOf(this.#listed.twin));
  }
}

/** How the kernel lists what the text says; or why it cannot be told. */
async function listTwin(text: string): Promise<Finished> {
  const twin = text.replaceAll(TABLE, TWIN).replace(`table ${TWIN} {`, `$&\n\t${DORMANT}`);
  const loaded = await nft(['-f', '-'], twin);
  if (loaded.refusal !== undefined) return loaded;
  const listing = await list(TWIN);
  await nft(['-f', '-'], removal(TWIN));
  return listing;
}

/** Without counters and other state. */
function list(table: string): Promise<Finished> {
  return nft(['-s', 'list', 'table', ...table.split(' ')], '');
}

/** The table's name aside, which is another one of the twin. */
function linesOf(listing: string): readonly string[] {
  return listing
    .split('\n')
    .slice(1)
    .filter((line) => line.trim() !== '');
}

/** The first place where two listings differ, with the chain or set it is in. */
function difference(found: readonly string[], wanted: readonly string[]): string | undefined {
  const longest = Math.max(found.length, wanted.length);
  let place = '';
  for (let at = 0; at < longest; at++) {
    const [is, shall] = [found[at], wanted[at]];
    if (is !== shall) return `${place}found ${shown(is)}, expected ${shown(shall)}`;
    if (is?.endsWith('{')) place = `${is.slice(0, -1).trim()}: `;
  }
  return undefined;
}

function shown(line: string | undefined): string {
  const text = line?.trim() ?? '';
  if (text === '' || text === '}') return 'nothing more';
  return text.length > LONGEST_LINE ? `${text.slice(0, LONGEST_LINE)}...` : text;
}

function nft(args: readonly string[], input: string): Promise<Finished> {
  return new Promise((resolve) => {
    const env = { ...process.env, LC_ALL: 'C' };
    const options = { maxBuffer: MOST_OUTPUT, encoding: 'utf8' as const, env };
    const child = execFile('nft', [...args], options, (error, output, said) => {
      const refusal = error === null ? undefined : refusalOf(said || error.message);
      resolve({ output, refusal });
    });
    // What ends without reading its input closes the pipe; its exit code tells the story.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}

/** Of nft's many lines the first error with the line of the text that it points at. */
function refusalOf(said: string): string {
  const [error = '', line] = said
    .split('\n')
    .map((each) => each.trim())
    .filter((each) => each !== '');
  const words = error.replace(/^\/dev\/stdin:/, 'line ');
  return line === undefined || /^[~^]+$/.test(line) ? words : `${words}: ${shown(line)}`;
}
