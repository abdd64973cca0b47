import { BadLine } from '../lines.ts';
import { type ColumnType, kinds } from '../table/kinds.ts';
import { kindOfNumber } from '../table/numbers.ts';

/** What the values of a column were, as a set of bits: those of tables, and two more. */
export const bits = {
  ...kinds,
  /** A number that a double comes near to, but does not give back. */
  odd: 512,
  /** Text in which something is escaped. */
  escaped: 1024,
} as const;

const whole = bits.small | bits.big | bits.huge;
const numbers = whole | bits.double | bits.odd;

/** What a JSON value is: the bits of its kind, 0 for null. */
export function bitsOf(bytes: Buffer, start: number, end: number): number {
  switch (bytes[start]) {
    case 0x22:
      return bits.text;
    case 0x7b:
    case 0x5b:
      return bits.nested;
    case 0x74:
    case 0x66:
      return bits.boolean;
    case 0x6e:
      return 0;
    default: {
      const kind = kindOfNumber(bytes, start, end);
      return kind === kinds.text ? bits.odd : kind;
    }
  }
}

/** The type of a column whose values were of these kinds; undefined where there was none. Text among others makes text of all. */
export function typeOf(seen: number): ColumnType | undefined {
  const kind = seen & ~bits.escaped;
  if (kind === 0) return undefined;
  if (kind === bits.boolean) return 'BOOLEAN';
  if (kind === bits.nested) return 'JSON';
  if ((kind & ~numbers) !== 0) return 'VARCHAR';
  if ((kind & ~whole) !== 0) return 'DOUBLE';
  return (kind & bits.huge) !== 0 ? 'HUGEINT' : 'BIGINT';
}

/** A column of JSON values (as text, but NULL for null) in SQL, as values of a type. */
export function valueIn(column: string, type: string, seen: number): string {
  switch (type) {
    case 'VARCHAR':
      // Without escapes a string holds no quotes but those round it.
      if ((seen & bits.escaped) === 0) return `trim(${column}, '"')`;
      return `case when starts_with(${column}, '"') then json_extract_string(${column}, '$') else ${column} end`;
    case 'DATE':
      return `trim(${column}, '"')::DATE`;
    case 'TIMESTAMP':
      return `trim(${column}, '"')::TIMESTAMPTZ::TIMESTAMP`;
    default:
      return `${column}::${type}`;
  }
}

/** Half of a surrogate pair, written as an escape: no character, and DuckDB takes no such text. */
export function hasHalfSurrogate(json: string): boolean {
  if (!/\\u[dD][89a-fA-F]/.test(json)) return false;
  const rest = json.replaceAll('\\\\', '').replace(/\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}/g, '');
  return /\\u[dD][89a-fA-F]/.test(rest);
}

/** Throws BadLine where the JSON holds half of a surrogate pair. */
export function refuseHalfSurrogate(json: string): void {
  if (hasHalfSurrogate(json)) throw new BadLine('a string in it holds half a surrogate pair, which is no character');
}
