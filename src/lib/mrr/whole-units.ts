import type { Rational } from './rational.ts';
import { compare, floor, minus, plus, round, zero } from './rational.ts';

/**
 * Whole minor units for the values of one subscription's items, which come in the order of the items' ids. The sum is rounded once, half up; what the
 * whole parts leave of it goes to the largest remainders, so that the items add up. A RangeError where JSON couldn't carry a result exactly.
 */
export function inWholeUnits(values: readonly Rational[]): number[] {
  const wholes = values.map(floor);
  let left = round(values.reduce(plus, zero)) - wholes.reduce((sum, whole) => sum + whole, 0n);
  if (left > 0n) {
    const rests = values.map((value, place) => ({ place, rest: minus(value, { n: wholes[place]!, d: 1n }) }));
    for (const { place } of rests.sort((a, b) => compare(b.rest, a.rest) || a.place - b.place)) {
      if (left-- === 0n) break;
      wholes[place]! += 1n;
    }
  }
  return wholes.map(integer);
}

function integer(value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new RangeError(`an MRR of ${value} minor units is beyond what JSON can carry exactly`);
  return number;
}
