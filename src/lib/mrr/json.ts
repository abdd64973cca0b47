import { BadRecord } from './bad-record.ts';
import { isDecimal } from './rational.ts';

/** A JSON object of which nothing is known yet. */
export type Hash = Record<string, unknown>;

/** Whether it is a JSON object: no array, no null. */
export function isHash(value: unknown): value is Hash {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value where it is a JSON object, else undefined. */
export function hash(value: unknown): Hash | undefined {
  return isHash(value) ? value : undefined;
}

/** The value where it is an array, else an empty one. */
export function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The value where it is a string, else ''. */
export function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** The value under a name that came from outside, which may be one that every object has, like `constructor`. */
export function own<T>(table: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  return table !== undefined && Object.hasOwn(table, name) ? table[name] : undefined;
}

// 9999-12-31: what is later is no second but milliseconds, or garbage that would drive the clocks on.
const lastSecond = 253_402_300_799;

/** A second since the epoch, or undefined where there is none. */
export function second(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= lastSecond ? value : undefined;
}

/** A whole number from 1; `otherwise` where there is none. A BadRecord says that `what` is not one. */
export function positive<T>(value: unknown, otherwise: T, what: string): number | T {
  if (value === null || value === undefined) return otherwise;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value;
  throw new BadRecord(`${what} is not a whole number from 1`);
}

/** The id of a thing that Stripe writes as its id or, expanded, as the object itself; '' where there is neither. */
export function idOf(value: unknown): string {
  return isHash(value) ? text(value.id) : text(value);
}

// Stripe's decimals have 12 places at most; more digits than this only cost time.
const maxDecimalLength = 40;

/** A decimal as text, '' where there is none; numbers by their shortest text. A BadRecord says that `what` is no such number. */
export function decimal(value: unknown, what: string): string {
  if (value === null || value === undefined || value === '') return '';
  const written = typeof value === 'number' ? String(value) : value;
  if (typeof written !== 'string' || written.length > maxDecimalLength || !isDecimal(written))
    throw new BadRecord(`${what} is not a decimal number`);
  return written;
}

/** The same for what is never below 0. */
export function amount(value: unknown, what: string): string {
  const written = decimal(value, what);
  if (written.startsWith('-')) throw new BadRecord(`${what} is negative`);
  return written;
}
