import { kinds } from './kinds.ts';

/** Up to here a double holds every whole number. */
const double = 2n ** 53n;
const int64 = 2n ** 63n;
const int128 = 2n ** 127n;

/** The kind of the JSON number in `bytes` from `start` up to `end`; text where no column of numbers gives its digits back. */
export function kindOfNumber(bytes: Buffer, start: number, end: number): number {
  if (end - start <= 15) {
    let kind: number = kinds.small;
    for (let i = start; i < end; i++) {
      const byte = bytes[i] as number;
      if (byte === 0x2e) kind = kinds.double;
      else if (byte === 0x65 || byte === 0x45) return kindOfLong(bytes.toString('latin1', start, end));
    }
    return kind;
  }
  return kindOfLong(bytes.toString('latin1', start, end));
}

function kindOfLong(text: string): number {
  if (/[.eE]/.test(text)) return isDouble(text) ? kinds.double : kinds.text;
  const value = BigInt(text);
  if (value >= -double && value <= double) return kinds.small;
  if (value >= -int64 && value < int64) return kinds.big;
  return value > -int128 && value < int128 ? kinds.huge : kinds.text;
}

/** Whether a double of this number, written in the shortest way, is this number again. */
export function isDouble(text: string): boolean {
  const value = Number(text);
  return Number.isFinite(value) && sameNumber(text, String(value));
}

function sameNumber(a: string, b: string): boolean {
  const [x, y] = [digitsOf(a), digitsOf(b)];
  return x.digits === y.digits && (x.digits === '' || (x.exponent === y.exponent && x.sign === y.sign));
}

/** A number as its digits without zeros at either end, and the power of ten of the last one. */
function digitsOf(text: string): { sign: string; digits: string; exponent: number } {
  const [, sign = '', whole = '', decimals = '', power = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  const all = `${whole}${decimals}`.replace(/^0+/, '');
  const digits = all.replace(/0+$/, '');
  return { sign, digits, exponent: Number(power) - decimals.length + (all.length - digits.length) };
}
