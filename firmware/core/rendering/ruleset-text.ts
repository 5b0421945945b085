/** How nftables writes what several chains need. */
import type { Spans } from '../configuration/spans.ts';
import { formatNetwork } from '../configuration/written-network.ts';
import { formatPorts } from '../configuration/written-ports.ts';

/** Names of protocols, where nftables has one. */
const PROTOCOLS: Readonly<Record<number, string>> = {
  1: 'icmp',
  6: 'tcp',
  17: 'udp',
  58: 'ipv6-icmp',
  132: 'sctp',
  136: 'udplite',
};

/** A chain of these lines, or nothing when there are none. */
export function block(head: string, lines: readonly string[]): string[] {
  return [`\t${head} {`, ...lines.map((line) => `\t\t${line}`), '\t}'];
}

/** One item as it is, several in braces. */
export function anyOf(items: readonly string[]): string {
  return items.length === 1 ? (items[0] ?? '') : `{ ${items.join(', ')} }`;
}

export function networksText(spans: Spans, family: 4 | 6): string {
  return anyOf(spans.map((span) => formatNetwork({ family, span })));
}

export function portsText(spans: Spans): string {
  return anyOf(spans.map(formatPorts));
}

export function protocolText(number: number): string {
  return PROTOCOLS[number] ?? String(number);
}

/** `ip` or `ip6`. */
export function familyWord(family: 4 | 6): string {
  return family === 4 ? 'ip' : 'ip6';
}

/** A name as a comment: what people find their rules by in a listing. */
export function comment(name: string): string {
  return `comment "${name}"`;
}

/** Words in a row; empty ones leave no gap. */
export function words(...parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== '').join(' ');
}
