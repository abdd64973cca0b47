import { kinds } from './kinds.ts';

/**
 * The kind of a string in `bytes` from `start` up to `end`: a day (RFC 3339 full-date), an instant in UTC (RFC 3339 date-time with Z or
 * +00:00, at most 6 decimals, so that nothing of it is lost), or text.
 */
export function kindOfText(bytes: Buffer, start: number, end: number): number {
  const length = end - start;
  if (length < 10 || length > 32 || bytes[start + 4] !== dash || bytes[start + 7] !== dash) return kinds.text;
  const year = number(bytes, start, 4);
  const month = number(bytes, start + 5, 2);
  const day = number(bytes, start + 8, 2);
  if (!(year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= daysOf(year, month))) return kinds.text;
  if (length === 10) return kinds.date;
  if (length < 20 || bytes[start + 10] !== 0x54 || bytes[start + 13] !== colon || bytes[start + 16] !== colon) return kinds.text;
  const isTime = number(bytes, start + 11, 2) <= 23 && number(bytes, start + 14, 2) <= 59 && number(bytes, start + 17, 2) <= 59;
  if (!isTime) return kinds.text;
  let at = start + 19;
  if (bytes[at] === 0x2e) {
    const first = ++at;
    while (isDigit(bytes[at])) at++;
    if (at === first || at - first > 6) return kinds.text;
  }
  if (at + 1 === end && bytes[at] === 0x5a) return kinds.time;
  return at + 6 === end && bytes.toString('latin1', at, end) === '+00:00' ? kinds.time : kinds.text;
}

const dash = 0x2d;
const colon = 0x3a;

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

/** NaN where one of the bytes is no digit. */
function number(bytes: Buffer, start: number, length: number): number {
  let value = 0;
  for (let i = start; i < start + length; i++) {
    const byte = bytes[i];
    if (byte === undefined || byte < 0x30 || byte > 0x39) return Number.NaN;
    value = value * 10 + byte - 0x30;
  }
  return value;
}

function daysOf(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}
