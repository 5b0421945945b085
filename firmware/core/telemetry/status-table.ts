/**
 * The status document as text for people: at most 80 columns, the most important first.
 */
import type { FlowsSnapshot } from './flows-snapshot.ts';
import type {
  AlertSnapshot,
  DemotionSnapshot,
  HeardSnapshot,
  LinkSnapshot,
  PathSnapshot,
  PeerSnapshot,
  Snapshot,
} from './snapshot.ts';

const COLUMNS = 80;
const GAP = '  ';
const UNKNOWN = 'unknown (a BACKUP is silent in CARP)';

/** Lines without line ends. */
export function statusTable(status: Snapshot): readonly string[] {
  const sections = [
    heading(status),
    table('ALERTS', status.alerts.map(alertRow)),
    vips(status),
    table('LINKS', status.links.map(linkRow)),
    table(
      'DEMOTIONS',
      status.demotions.map((each) => demotionRow(each, status.time)),
    ),
    status.peer.verdict === 'unknown' ? strangePeer(status.peer) : knownPeer(status),
    status.flows === null ? [] : flowLines(status.flows),
    table('PATH', status.peer.paths.map(pathRow), ['ADDRESS', 'BEATS', 'LAST BEAT']),
    status.peer.verdict === 'unknown' ? [] : table('HEARD', heardRows(status.peer.heard), HEARD),
  ].filter((section) => section.length > 0);
  return sections
    .flatMap((section, index) => (index === 0 ? section : ['', ...section]))
    .map((line) => fitted(printable(line).trimEnd()));
}

function heading(status: Snapshot): string[] {
  const { node, role, cluster, state, since, time, config, failover } = status;
  const number = config.revision === null ? '' : `${config.revision} `;
  const sync = config.sync === null || config.sync === 'alone' ? '' : `, ${config.sync}`;
  const revision = `${number}(${config.hash.slice(0, 12)}${sync})`;
  const late = rounded(status.realtime.latenessMaxMs);
  const flags = status.maintenance ? '  MAINTENANCE' : '';
  return [
    `${node}  ${role} of ${cluster}  ${state} for ${span(since, time)}${flags}`,
    ...wrapped(status.reason, '  because: '),
    `  failover ${failover}, configuration ${revision}, up ${seconds(status.uptime)}`,
    `  election thread: ${realtime(status)}, at most ${late} ms late`,
    ...config.errors.flatMap((error) => wrapped(error, '  configuration: ')),
  ];
}

function realtime({ realtime: { priority } }: Snapshot): string {
  return priority === null ? 'no real-time priority' : `real-time priority ${priority}`;
}

function vips({ vips: all }: Snapshot): string[] {
  const rows = all.flatMap((vip) => [
    [
      vip.name,
      vip.state,
      vip.address,
      `${vip.interface}/${vip.vhid}`,
      `${vip.advbase}/${vip.advskew}`,
    ],
    ...vip.aliases.map((alias) => ['', '', alias, '', '']),
  ]);
  return table('VIP', rows, ['STATE', 'ADDRESS', 'IF/VHID', 'BASE/SKEW']);
}

function linkRow({ name, device, present, carrier, addresses }: LinkSnapshot): string[] {
  const state = present ? (carrier ? 'up' : 'no carrier') : 'no such device';
  return [name, device, state, addresses.join(' ')];
}

function demotionRow({ reason, weight, since, expires, owner }: DemotionSnapshot, now: string) {
  const end = expires === null ? `until ${owner} ends it` : `for another ${span(now, expires)}`;
  return [reason, `+${weight}`, `for ${span(since, now)}`, end];
}

const alertRow = ({ code, text }: AlertSnapshot): string[] => [code, text];

/** A peer that told about itself in beats. */
function knownPeer({ peer, vips: { length } }: Snapshot): string[] {
  const { node, role, state, verdict, lastBeatMs } = peer;
  const isDead = verdict === 'dead';
  const told = [node ?? 'unknown', role, isDead ? null : state].filter((word) => word !== null);
  const last = lastBeatMs === null ? '' : `, last beat ${ago(lastBeatMs)}`;
  const was = isDead && state !== null ? `, was ${state}` : '';
  const demoted = peer.demotion ? `, demoted by ${peer.demotion}` : '';
  const notes = [
    isDead || peer.health === null ? '' : `can serve ${peer.health} of ${length} VIPs${demoted}`,
    peer.sameConfiguration === false ? "its configuration of the pair is not this node's" : '',
  ].filter((note) => note !== '');
  const indent = ' '.repeat((told[0]?.length ?? 0) + 2 + GAP.length);
  return [
    'PEER',
    ...wrapped(`${verdict}${last}${was}`, `  ${told.join(GAP)}${GAP}`),
    ...notes.flatMap((note) => wrapped(note, indent)),
  ];
}

/** A peer of which there is only what CARP tells. */
function strangePeer({ reachable, heard, paths }: PeerSnapshot): string[] {
  const silence = paths.length > 0 ? ['  no beat heard yet'] : [];
  if (heard.length === 0) {
    const nothing = reachable === null ? UNKNOWN : 'no advertisement of another node heard yet';
    return ['PEER', ...silence, `  ${nothing}`];
  }
  const rows = heardRows(heard);
  const title = reachable === false ? 'PEER (silent)' : 'PEER';
  const [titles = '', ...lines] = table(title, rows, HEARD);
  return [titles, ...silence, ...(reachable === null ? [`  ${UNKNOWN}`] : []), ...lines];
}

const HEARD = ['ADDRESS', 'BASE/SKEW', 'LAST HEARD'];

const heardRows = (heard: readonly HeardSnapshot[]): string[][] =>
  heard.map(({ vip, source, advbase, advskew, agoMs }) => {
    return [vip, source, `${advbase}/${advskew}`, ago(agoMs)];
  });

function flowLines(flows: FlowsSnapshot): string[] {
  const { local, peer, own, copies, divergence, lagMs, synced, progress, errors } = flows;
  const copy = synced ? 'synced' : `not synced, ${Math.floor(100 * progress)} % copied`;
  const lag = lagMs === null ? 'no peer' : `lag ${rounded(lagMs)} ms`;
  return [
    'FLOWS',
    `  ${local} here (${own} own, ${copies} copies), ${peer ?? 'unknown'} at the peer`,
    `  ${copy}, divergence ${rounded(divergence)} %, ${lag}, ${errors} errors`,
  ];
}

function pathRow({ interface: name, address, up, lastBeatMs }: PathSnapshot): string[] {
  const beats = up === null ? 'none expected' : up ? 'up' : 'silent';
  return [name, address ?? 'unknown', beats, lastBeatMs === null ? 'never' : ago(lastBeatMs)];
}

/** Columns as wide as their widest cell; the last one wraps. Rows are indented. */
function table(
  title: string,
  rows: readonly (readonly string[])[],
  titles: readonly string[] = [],
): string[] {
  if (rows.length === 0) return [];
  const indented = rows.map(([first = '', ...rest]) => [`  ${first}`, ...rest]);
  const body = titles.length === 0 ? indented : [[title, ...titles], ...indented];
  const widths = (indented[0] ?? []).map((_, column) =>
    Math.max(...body.map((row) => row[column]?.length ?? 0)),
  );
  const lines = body.flatMap((row) => {
    const start = row.slice(0, -1).map((cell, column) => cell.padEnd(widths[column] ?? 0) + GAP);
    return wrapped(row.at(-1) ?? '', start.join(''));
  });
  return titles.length === 0 ? [title, ...lines] : lines;
}

/** Text after a lead, broken between words; further lines begin below the text. */
function wrapped(text: string, lead: string): string[] {
  const room = Math.max(20, COLUMNS - lead.length);
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= room) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else {
      lines.push(word);
    }
  }
  return lines.map((line, index) => (index === 0 ? lead : ' '.repeat(lead.length)) + line);
}

const fitted = (line: string): string =>
  line.length <= COLUMNS ? line : `${line.slice(0, COLUMNS - 3)}...`;

/** Alert texts quote what strangers sent; a terminal must not obey it. */
const printable = (line: string): string => line.replaceAll(/\p{Cc}|\p{Cf}/gu, '?');

const span = (from: string, to: string): string =>
  seconds(Math.max(0, Date.parse(to) - Date.parse(from)) / 1_000);

/** The two largest units that say something: `1.2 s`, `3 min 5 s`, `2 h 3 min`, `4 d 1 h`. */
function seconds(count: number): string {
  if (count < 10) return `${rounded(count)} s`;
  const whole = Math.floor(count);
  if (whole < 60) return `${whole} s`;
  if (whole < 3_600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 86_400)
    return `${Math.floor(whole / 3_600)} h ${Math.floor((whole % 3_600) / 60)} min`;
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3_600)} h`;
}

const ago = (ms: number): string =>
  ms < 1_000 ? `${Math.round(ms)} ms ago` : `${seconds(ms / 1_000)} ago`;

const rounded = (value: number): string => String(Math.round(value * 10) / 10);
