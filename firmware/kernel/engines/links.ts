/**
 * VLANs and bonds, by ip(8): made when they are missing, made anew when they are of another kind,
 * removed when they are ours and not wanted any more. Ours bear an alias.
 *
 * A device that is right is never touched: VIPs are on it.
 */
import type { Engine } from './engine.ts';
import { runProgram } from './program.ts';

const ALIAS = 'yoke link';

interface WantedLink {
  readonly device: string;
  /** As in the text. */
  readonly line: string;
  /** Lines of `ip -batch`. */
  readonly making: readonly string[];
}

interface ListedLink {
  readonly ifname: string;
  readonly ifalias?: string;
  readonly link?: string;
  readonly master?: string;
  readonly linkinfo?: {
    readonly info_kind?: string;
    readonly info_data?: { readonly id?: number; readonly mode?: string };
  };
}

const BOND = /^bond (\S+) mode (\S+) members (.+)$/;
const VLAN = /^vlan (\S+) parent (\S+) id (\d+)$/;
/** Milliseconds between two looks at the carriers of a bond's members. */
const CARRIER_PACE = 100;

export class LinkEngine implements Engine {
  readonly name = 'links';
  readonly render: Engine['render'];

  constructor(render: Engine['render']) {
    this.render = render;
  }

  /** Devices that must be there already, and kinds this kernel knows. */
  async check(text: string): Promise<string | undefined> {
    const wanted = wantedLinks(text);
    const names = new Set([
      ...(await listing()).map(({ ifname }) => ifname),
      ...wanted.map(({ device }) => device),
    ]);
    const missing = wanted
      .flatMap(({ line }) => parentsOf(line))
      .filter((device) => !names.has(device));
    if (missing.length > 0) return `no such device: ${[...new Set(missing)].join(', ')}`;
    const kinds = new Set(wanted.map(({ line }) => line.split(' ')[0] ?? ''));
    const refusals = await Promise.all([...kinds].map(refusalOfKind));
    return refusals.find((each) => each !== undefined);
  }

  async apply(text: string): Promise<string | undefined> {
    const wanted = wantedLinks(text);
    const found = await listing();
    const standing = new Map(found.map((each) => [each.ifname, lineOf(each, found)]));
    const ours = found.filter(({ ifalias }) => ifalias === ALIAS).map(({ ifname }) => ifname);
    const script = [
      ...ours
        .filter((device) => !wanted.some(({ line }) => line === standing.get(device)))
        .map((device) => `link del ${device}`),
      ...wanted
        .filter(({ device, line }) => standing.get(device) !== line)
        .flatMap(({ making }) => making),
    ];
    if (script.length === 0) return undefined;
    return (await runProgram('ip', ['-batch', '-'], `${script.join('\n')}\n`)).refusal;
  }

  async drift(text: string): Promise<string | undefined> {
    const found = await listing();
    const standing = new Map(found.map((each) => [each.ifname, lineOf(each, found)]));
    const wanted = wantedLinks(text);
    const names = new Set(wanted.map(({ device }) => device));
    const differences = [
      ...wanted
        .filter(({ device, line }) => standing.get(device) !== line)
        .map(({ device, line }) => `${standing.get(device) ?? `no ${device}`}, not ${line}`),
      ...found
        .filter(({ ifname, ifalias }) => ifalias === ALIAS && !names.has(ifname))
        .map(({ ifname }) => `${ifname} is left over`),
    ];
    return differences.length === 0 ? undefined : differences.join('\n');
  }
}

function wantedLinks(text: string): WantedLink[] {
  return text.split('\n').flatMap((line): WantedLink[] => {
    const [, bond, mode, members] = BOND.exec(line) ?? [];
    if (bond !== undefined && mode !== undefined && members !== undefined) {
      return [{ device: bond, line, making: bondMaking(bond, mode, members.split(' ')) }];
    }
    const [, device, parent, id] = VLAN.exec(line) ?? [];
    if (device === undefined) return [];
    const making = [
      `link set ${parent} up`,
      `link add link ${parent} name ${device} type vlan id ${id}`,
      `link set ${device} alias "${ALIAS}"`,
      `link set ${device} up`,
    ];
    return [{ device, line, making }];
  });
}

function bondMaking(device: string, mode: string, members: readonly string[]): string[] {
  return [
    `link add ${device} type bond mode ${mode} miimon ${CARRIER_PACE}`,
    `link set ${device} alias "${ALIAS}"`,
    // A device that is up is not taken in.
    ...members.flatMap((each) => [`link set ${each} down`, `link set ${each} master ${device}`]),
    `link set ${device} up`,
  ];
}

/** A link as the text would have it; undefined for kinds that are none of ours. */
function lineOf(link: ListedLink, all: readonly ListedLink[]): string | undefined {
  const { ifname, linkinfo } = link;
  const { id, mode } = linkinfo?.info_data ?? {};
  if (linkinfo?.info_kind === 'vlan') return `vlan ${ifname} parent ${link.link} id ${id}`;
  if (linkinfo?.info_kind !== 'bond') return undefined;
  const members = all.filter(({ master }) => master === ifname).map((each) => each.ifname);
  return `bond ${ifname} mode ${mode} members ${members.join(' ')}`;
}

function parentsOf(line: string): readonly string[] {
  const [, , , members] = BOND.exec(line) ?? [];
  if (members !== undefined) return members.split(' ');
  const [, , parent] = VLAN.exec(line) ?? [];
  return parent === undefined ? [] : [parent];
}

/** Tried out in an empty network namespace; the kernel loads what it has as a module. */
async function refusalOfKind(kind: string): Promise<string | undefined> {
  const options = kind === 'vlan' ? 'link lo name probe type vlan id 1' : `name probe type ${kind}`;
  const script = `link set lo up\nlink add ${options}\n`;
  const { refusal } = await runProgram('unshare', ['--net', 'ip', '-batch', '-'], script);
  return refusal?.includes('Unknown device type')
    ? `this kernel has no devices of the kind ${kind}`
    : undefined;
}

async function listing(): Promise<readonly ListedLink[]> {
  const { output } = await runProgram('ip', ['-details', '-json', 'link', 'show']);
  return JSON.parse(output || '[]') as readonly ListedLink[];
}
