/**
 * YAML for people's eyes: every value that is a secret is hidden, nothing else is changed, and
 * lines stay where they are. In texts that cannot be parsed everything after a telling key goes.
 */
import { type Document, isAlias, isMap, isScalar, isSeq, parseDocument, visit } from 'yaml';

/** Keys whose values nobody is to see, in any area of the configuration. */
const SECRET_KEY = /(password|passphrase|secret|psk|presharedkey|privatekey|token)s?$/i;
const SECRET_LINE =
  /^(.*(?:password|passphrase|secret|psk|presharedkey|privatekey|token)s?["']?\s*:\s*)\S.*$/gim;
const MASK = '<secret>';

export const isSecretKey = (key: string): boolean => SECRET_KEY.test(key.replaceAll(/[-_]/g, ''));

export function maskedText(text: string): string {
  const ranges: (readonly [number, number])[] = [];
  try {
    const document = parseDocument(text, { logLevel: 'silent', uniqueKeys: false });
    if (document.errors.length > 0) return text.replaceAll(SECRET_LINE, `$1${MASK}`);
    visit(document, {
      Pair(_, { key, value }) {
        if (isScalar(key) && isSecretKey(String(key.value)))
          ranges.push(...rangesOf(value, document));
      },
    });
  } catch {
    return text.replaceAll(SECRET_LINE, `$1${MASK}`);
  }
  const last = ranges.toSorted(([a], [b]) => b - a);
  return last.reduce((masked, [from, to]) => {
    const lines = masked.slice(from, to).split('\n').length - 1;
    return masked.slice(0, from) + MASK + '\n'.repeat(lines) + masked.slice(to);
  }, text);
}

/** Plain data with the same values hidden. */
export function maskedValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(maskedValue);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      const isSecret = isSecretKey(key) && inner !== undefined && inner !== null;
      return [key, isSecret ? MASK : maskedValue(inner)];
    }),
  );
}

function rangesOf(value: unknown, document: Document): (readonly [number, number])[] {
  if (isAlias(value)) return rangesOf(value.resolve(document), document);
  if (isScalar(value)) {
    const [from, to] = value.range ?? [0, 0];
    return value.value === null || from === to ? [] : [[from, to]];
  }
  if (isMap(value)) return value.items.flatMap((pair) => rangesOf(pair.value, document));
  return isSeq(value) ? value.items.flatMap((item) => rangesOf(item, document)) : [];
}
