/**
 * Fields of parsed JSON that somebody else wrote: looked at before they are believed.
 */

/** The own fields of an object; none for anything else. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? (value as Record<string, unknown>) : {};
}

export const isText = (value: unknown, longest: number): value is string =>
  typeof value === 'string' && value.length <= longest;

export const isHex = (value: unknown, digits: number): value is string =>
  typeof value === 'string' && value.length === digits && /^[0-9a-f]+$/.test(value);
