/** An exact number: numerator over a positive denominator, not reduced. */
export type Fraction = readonly [n: bigint, d: bigint];

/** 0, exactly. */
export const nought: Fraction = [0n, 1n];

/** The fraction that a decimal says: `33.3`, `1000.50`, 7. */
export function fraction(decimal: string | number): Fraction {
  const [whole = '0', part = ''] = String(decimal).split('.');
  return [BigInt(whole + part), 10n ** BigInt(part.length)];
}

/** The exact sum. */
export function add([a, b]: Fraction, [c, d]: Fraction): Fraction {
  return b === d ? [a + c, b] : [a * d + c * b, b * d];
}

/** The exact difference: the first less the second. */
export function take([a, b]: Fraction, [c, d]: Fraction): Fraction {
  return b === d ? [a - c, b] : [a * d - c * b, b * d];
}

/** The exact product. */
export function scale([a, b]: Fraction, [c, d]: Fraction): Fraction {
  return [a * c, b * d];
}

/** Whether the first is worth less than the second. */
export function isLess([a, b]: Fraction, [c, d]: Fraction): boolean {
  return a * d < c * b;
}

/** The lesser of the two; `b` where they are worth the same. */
export function least(a: Fraction, b: Fraction): Fraction {
  return isLess(a, b) ? a : b;
}

/** The nearest whole number, halves upwards; for numbers that are not negative. */
export function roundHalfUp([n, d]: Fraction): number {
  return Number((2n * n + d) / (2n * d));
}
