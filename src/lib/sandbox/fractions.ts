/** An exact number: numerator over a positive denominator, not reduced. */
export type Fraction = readonly [n: bigint, d: bigint];

export const nought: Fraction = [0n, 1n];

/** The fraction that a decimal says: `33.3`, `1000.50`, 7. */
export function fraction(decimal: string | number): Fraction {
  const [whole = '0', part = ''] = String(decimal).split('.');
  return [BigInt(whole + part), 10n ** BigInt(part.length)];
}

export function add([a, b]: Fraction, [c, d]: Fraction): Fraction {
  return b === d ? [a + c, b] : [a * d + c * b, b * d];
}

export function take([a, b]: Fraction, [c, d]: Fraction): Fraction {
  return b === d ? [a - c, b] : [a * d - c * b, b * d];
}

export function scale([a, b]: Fraction, [c, d]: Fraction): Fraction {
  return [a * c, b * d];
}

export function isLess([a, b]: Fraction, [c, d]: Fraction): boolean {
  return a * d < c * b;
}

export function least(a: Fraction, b: Fraction): Fraction {
  return isLess(a, b) ? a : b;
}

/** The nearest whole number, halves upwards; for numbers that are not negative. */
export function roundHalfUp([n, d]: Fraction): number {
  return Number((2n * n + d) / (2n * d));
}
