/** An exact fraction, not reduced; `d` is always positive. Money never becomes a float on its way through. */
export interface Rational {
  readonly n: bigint;
  readonly d: bigint;
}

/** 0, exactly. */
export const zero: Rational = { n: 0n, d: 1n };
/** 1, exactly. */
export const one: Rational = { n: 1n, d: 1n };

const decimal = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/;

/** `n` over `d` as they are; `d` has to be positive. */
export function ratio(n: bigint, d: bigint): Rational {
  return { n, d };
}

/** Whether parseDecimal can read it: digits, a fraction, an exponent as JavaScript writes it. */
export function isDecimal(text: string): boolean {
  return decimal.test(text);
}

/** `12.345678901234` and `1e-7` exactly. A RangeError says that the text is no decimal number. */
export function parseDecimal(text: string): Rational {
  const found = decimal.exec(text);
  if (!found) throw new RangeError(`'${text}' is not a decimal number`);
  const [, sign, whole = '0', part = '', exponent = '0'] = found;
  const n = BigInt(sign + whole + part);
  const scale = part.length - Number(exponent);
  return scale > 0 ? { n, d: 10n ** BigInt(scale) } : { n: n * 10n ** BigInt(-scale), d: 1n };
}

/** `30`, `30.4375` or `365/12`: a positive factor. A RangeError says what was wrong with it. */
export function parseFactor(text: string): Rational {
  const [above = '', below = '1', more] = text.split('/');
  if (more !== undefined) throw new RangeError(`'${text}' is not a number or a fraction`);
  const factor = over(parseDecimal(above.trim()), parseDecimal(below.trim()));
  if (factor.n <= 0n) throw new RangeError(`'${text}' is not positive`);
  return factor;
}

/** The exact sum. */
export function plus(a: Rational, b: Rational): Rational {
  if (a.d === b.d) return { n: a.n + b.n, d: a.d };
  return reduce({ n: a.n * b.d + b.n * a.d, d: a.d * b.d });
}

/** The exact difference: `a` less `b`. */
export function minus(a: Rational, b: Rational): Rational {
  return plus(a, { n: -b.n, d: b.d });
}

/** The exact product. */
export function times(a: Rational, b: Rational): Rational {
  return { n: a.n * b.n, d: a.d * b.d };
}

/** A RangeError where `b` is 0. */
export function over(a: Rational, b: Rational): Rational {
  if (b.n === 0n) throw new RangeError('division by zero');
  return b.n < 0n ? { n: -a.n * b.d, d: a.d * -b.n } : { n: a.n * b.d, d: a.d * b.n };
}

/** -1 where `a` is less than `b`, 1 where it is more, 0 where they are worth the same. */
export function compare(a: Rational, b: Rational): number {
  const [left, right] = [a.n * b.d, b.n * a.d];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** The lesser of the two; `a` where they are worth the same. */
export function smaller(a: Rational, b: Rational): Rational {
  return compare(a, b) <= 0 ? a : b;
}

/** The greatest integer that is not above it. */
export function floor({ n, d }: Rational): bigint {
  const whole = n / d;
  return n < 0n && whole * d !== n ? whole - 1n : whole;
}

/** The smallest integer that is not below it. */
export function ceiling({ n, d }: Rational): bigint {
  return -floor({ n: -n, d });
}

/** The nearest integer; a half goes up. */
export function round({ n, d }: Rational): bigint {
  return floor({ n: 2n * n + d, d: 2n * d });
}

function reduce({ n, d }: Rational): Rational {
  let [a, b] = [n < 0n ? -n : n, d];
  while (b !== 0n) [a, b] = [b, a % b];
  return a > 1n ? { n: n / a, d: d / a } : { n, d };
}
