/**
 * What is wrong with a configuration, said so that its owner can repair it without a manual: the
 * field, what was found there, what was expected. Where in the file it stands is added by whoever
 * read the file.
 */

/** Which of the two documents. */
export type DocumentName = 'node' | 'cluster';

/** Keys and list positions (from 0) from the top of a document; empty for the document itself. */
export type FieldPath = readonly (string | number)[];

export interface Problem {
  readonly document: DocumentName;
  readonly path: FieldPath;
  readonly found: string;
  readonly expected: string;
}

const LONGEST_QUOTE = 60;

/** `interfaces.lan.address[1]`; a key that would be ambiguous is quoted. */
export function formatPath(path: FieldPath): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    const key = /^[\w-]+$/.test(step) ? step : quote(step);
    return text === '' ? key : `${text}.${key}`;
  }, '');
}

/** One line, always: `[path: ]found X, expected Y`. */
export function formatProblem({ path, found, expected }: Omit<Problem, 'document'>): string {
  const field = path.length === 0 ? '' : `${formatPath(path)}: `;
  return `${field}found ${found}, expected ${expected}`;
}

/** A value as shown to people; never more than a line. */
export function describeValue(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (typeof value === 'string') return quote(value);
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  return typeof value === 'object' ? 'a mapping' : String(value);
}

/** A secret is described, never shown: problems end up in logs. */
export function describeSecret(value: unknown): string {
  if (typeof value !== 'string')
    return typeof value === 'number' ? 'a number' : describeValue(value);
  if (value === '') return 'an empty text';
  return `a text of ${new TextEncoder().encode(value).length} bytes`;
}

/** In quotes, control characters escaped, shortened when long. */
export function quote(text: string): string {
  return JSON.stringify(text.length > LONGEST_QUOTE ? `${text.slice(0, LONGEST_QUOTE)}...` : text);
}
