import type { Comparison, Test, Value } from './plain.ts';
import { bits, bitsOf, hasHalfSurrogate } from './values.ts';

/**
 * Whether a value passes the test; undefined where that is not for one record alone to say. `mayEscape`: something may be escaped in it, where it is
 * a string.
 */
export function judge(test: Test, block: Buffer, start: number, end: number, mayEscape: boolean): boolean | undefined {
  const { as, how, isNegated, literals } = test;
  const first = block[start];
  const isNull = first === 0x6e;
  const isNumber = as === 'written' ? how !== 'like' && typeof literals[0] === 'number' : as !== 'text';
  const value = isNumber && !isNull ? numberOf(as, block, start, end) : 0;
  if (value === undefined) return undefined;
  if (how === 'is null' || how === 'is not null') {
    if ((first === 0x22 || first === 0x7b || first === 0x5b) && hasHalfSurrogate(block.toString('latin1', start, end)))
      return undefined;
    return isNull === (how === 'is null');
  }
  if (isNull) return false;
  let isFound = false;
  if (isNumber) {
    for (const literal of literals) if (passes(how as Comparison, value - (literal as number))) isFound = true;
  } else {
    let text = block;
    let [from, to] = [start, end];
    if (first === 0x22) [from, to] = [start + 1, end - 1];
    else if (as === 'written' || !isOwnScalar(block, start, end)) return undefined;
    if (mayEscape && first === 0x22) {
      const json = block.toString('utf8', start, end);
      if (hasHalfSurrogate(json)) return undefined;
      text = Buffer.from(JSON.parse(json) as string);
      [from, to] = [0, text.length];
    }
    if (how === 'like') isFound = isLike(text, from, to, literals as readonly Buffer[]);
    else if (how === '=') isFound = isOneOf(text, from, to, literals as readonly Buffer[]);
    else for (const literal of literals) if (passes(how, compare(text, from, to, literal as Buffer))) isFound = true;
  }
  return isFound !== isNegated;
}

/** The number that a value is, or that its text is cast to; undefined where that is not certain. */
function numberOf(as: Value['as'], block: Buffer, start: number, end: number): number | undefined {
  const isText = block[start] === 0x22;
  if (as !== 'written') {
    const whole = isText ? wholeIn(block, start + 1, end - 1) : wholeIn(block, start, end);
    if (whole !== undefined) return as === 'INTEGER' && Math.abs(whole) > 2 ** 31 - 1 ? undefined : whole;
    if (as !== 'DOUBLE') return undefined;
  }
  const kind = isText ? bits.text : bitsOf(block, start, end);
  if (kind !== bits.double && !(kind === bits.small && as === 'written')) return undefined;
  return Number(block.toString('latin1', start, end));
}

/** The whole number that is written in at most 15 digits, with no zeros to spare; undefined for anything else. */
function wholeIn(block: Buffer, start: number, end: number): number | undefined {
  const isNegative = block[start] === 0x2d;
  const from = isNegative ? start + 1 : start;
  if (from >= end || end - from > 15 || (block[from] === 0x30 && (isNegative || end - from > 1))) return undefined;
  let value = 0;
  for (let i = from; i < end; i++) {
    const digit = (block[i] as number) - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return isNegative ? -value : value;
}

/** Whether DuckDB writes a number, true, false or null as it is written: numbers of few digits, with no exponent and no zeros to spare. */
export function isOwnScalar(block: Buffer, start: number, end: number): boolean {
  const first = block[start];
  if (first === 0x74 || first === 0x66 || first === 0x6e) return true;
  if (first === 0x22 || first === 0x7b || first === 0x5b) return false;
  if (wholeIn(block, start, end) !== undefined) return true;
  // A 64-bit integer has 18 digits of any number, a double 15: with the point 16 characters.
  if (end - start > 19) return false;
  const text = block.toString('latin1', start, end);
  if (/^-?[1-9]\d{0,17}$/.test(text)) return true;
  return text.length <= 16 && /^-?(?:[1-9]\d*\.(?:0|\d*[1-9])|0\.0{0,3}[1-9](?:\d*[1-9])?)$/.test(text);
}

/** A JSON string as DuckDB writes it; undefined where it has what DuckDB may write otherwise. */
export function ownText(json: string): string | undefined {
  const own = JSON.stringify(JSON.parse(json));
  return own.includes('\\u') ? undefined : own;
}

/** Whether text begins with the first of some texts, ends with the last, and has the others in between, in their order. */
function isLike(text: Buffer, start: number, end: number, texts: readonly Buffer[]): boolean {
  const [first, last] = [texts[0] as Buffer, texts[texts.length - 1] as Buffer];
  if (texts.length === 1) return compare(text, start, end, first) === 0;
  let at = start + first.length;
  const behind = end - last.length;
  if (at > behind || !stands(text, start, first) || !stands(text, behind, last)) return false;
  for (let i = 1; i < texts.length - 1; i++) {
    const one = texts[i] as Buffer;
    while (at + one.length <= behind && !stands(text, at, one)) at++;
    at += one.length;
    if (at > behind) return false;
  }
  return true;
}

function stands(text: Buffer, at: number, wanted: Buffer): boolean {
  for (let i = 0; i < wanted.length; i++) if (text[at + i] !== wanted[i]) return false;
  return true;
}

function isOneOf(text: Buffer, start: number, end: number, literals: readonly Buffer[]): boolean {
  for (let i = 0; i < literals.length; i++) {
    const literal = literals[i] as Buffer;
    if (literal.length === end - start && stands(text, start, literal)) return true;
  }
  return false;
}

function passes(how: Comparison, difference: number): boolean {
  switch (how) {
    case '=':
      return difference === 0;
    case '<':
      return difference < 0;
    case '>':
      return difference > 0;
    case '<=':
      return difference <= 0;
    case '>=':
      return difference >= 0;
  }
}

function compare(text: Buffer, start: number, end: number, literal: Buffer): number {
  const length = Math.min(end - start, literal.length);
  for (let i = 0; i < length; i++) {
    const difference = (text[start + i] as number) - (literal[i] as number);
    if (difference !== 0) return difference;
  }
  return end - start - literal.length;
}
