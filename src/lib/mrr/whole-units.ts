import type { Rational } from './rational.ts';
import { compare, floor, minus, plus, round, zero } from './rational.ts';

// A thousand of these still add up exactly in a double: 2^53 is above 9 * 10^15.
const maxSum = 9_000_000_000_000n;

/**
 * Whole minor units for the values of one subscription's items, which come in the order of the items' ids. The sum is rounded once, half up; what the
 * whole parts leave of it goes to the largest remainders, so that the items add up. undefined where JSON couldn't carry the sum exactly.
 */
export function inWholeUnits(values: readonly Rational[]): number[] | undefined {
  const sum = round(values.reduce(plus, zero));
  if (sum > maxSum) return undefined;
  const wholes = values.map(floor);
  let left = sum - wholes.reduce((sum, whole) => sum + whole, 0n);
  if (left > 0n) {
    const rests = values.map((value, place) => ({ place, rest: minus(value, { n: wholes[place]!, d: 1n }) }));
    for (const { place } of rests.sort((a, b) => compare(b.rest, a.rest) || a.place - b.place)) {
      if (left-- === 0n) break;
      wholes[place]! += 1n;
    }
  }
  return wholes.map(Number);
}
