import { BadRecord } from './bad-record.ts';
import { isDecimal } from './rational.ts';

/** A JSON object of which nothing is known yet. */
export type Hash = Record<string, unknown>;

export function isHash(value: unknown): value is Hash {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function hash(value: unknown): Hash | undefined {
  return isHash(value) ? value : undefined;
}

export function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

export function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** A second since the epoch, or undefined where there is none. */
export function second(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined;
}

/** The id of a thing that Stripe writes as its id or, expanded, as the object itself; '' where there is neither. */
export function idOf(value: unknown): string {
  return isHash(value) ? text(value.id) : text(value);
}

/** A decimal as text, '' where there is none; numbers by their shortest text. A BadRecord says that `what` is no number. */
export function decimal(value: unknown, what: string): string {
  if (value === null || value === undefined || value === '') return '';
  const written = typeof value === 'number' ? String(value) : value;
  if (typeof written !== 'string' || !isDecimal(written)) throw new BadRecord(`${what} is not a decimal number`);
  return written;
}
