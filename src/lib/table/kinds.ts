/**
 * What the values of a field have been, as a set of bits, and the column that can hold them all exactly. Whole numbers up to 2^53 are
 * told from greater ones: only those a double holds too.
 */
export const kinds = {
  boolean: 1,
  /** A whole number from -2^53 to 2^53. */
  small: 2,
  /** Beyond, but within 64 bits. */
  big: 4,
  /** Beyond, but within 128 bits. */
  huge: 8,
  /** A number whose digits a double gives back. */
  double: 16,
  /** `2026-11-24` */
  date: 32,
  /** `2026-11-24T10:00:00Z`, with up to 6 decimals of a second: an instant. */
  time: 64,
  text: 128,
  /** An object or an array. */
  nested: 256,
} as const;

/** The types of the columns that we make. */
export type ColumnType = 'BOOLEAN' | 'BIGINT' | 'HUGEINT' | 'DOUBLE' | 'DATE' | 'TIMESTAMP' | 'VARCHAR' | 'JSON';

const wholes = kinds.small | kinds.big | kinds.huge;

/** The narrowest column that holds values of all these kinds; text where only null was seen. */
export function typeFor(seen: number): ColumnType {
  const only = (allowed: number) => (seen & ~allowed) === 0;
  if (seen === 0) return 'VARCHAR';
  if ((seen & kinds.nested) !== 0) return 'JSON';
  if (only(kinds.boolean)) return 'BOOLEAN';
  if (only(kinds.small | kinds.big)) return 'BIGINT';
  if (only(wholes)) return 'HUGEINT';
  if (only(kinds.small | kinds.double)) return 'DOUBLE';
  if (only(kinds.date)) return 'DATE';
  if (only(kinds.time)) return 'TIMESTAMP';
  return 'VARCHAR';
}

/** What a column of one of our types may hold; undefined for a type that we do not make. */
export function kindsOf(type: string): number | undefined {
  switch (type) {
    case 'BOOLEAN':
      return kinds.boolean;
    case 'BIGINT':
      return kinds.small | kinds.big;
    case 'HUGEINT':
      return wholes;
    case 'DOUBLE':
      return kinds.double;
    case 'DATE':
      return kinds.date;
    case 'TIMESTAMP':
      return kinds.time;
    case 'VARCHAR':
      return kinds.text;
    case 'JSON':
      return kinds.nested;
    default:
      return undefined;
  }
}
