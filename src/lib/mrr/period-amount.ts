import type { TierTuple } from './facts.ts';
import type { Rational } from './rational.ts';
import { ceiling, compare, floor, minus, over, parseDecimal, plus, smaller, times, zero } from './rational.ts';
import type { Terms } from './terms.ts';

/** What a quantity costs for one period, before discounts and taxes; metered usage is nothing. undefined where the tiers would be needed and aren't known. */
export function amountOf(
  count: string | number,
  terms: Terms,
  unit: Rational,
  tiers: readonly TierTuple[] | undefined,
): Rational | undefined {
  if (terms.metered) return zero;
  const quantity = packagesOf(parseDecimal(String(count)), terms);
  if (quantity.n <= 0n) return zero;
  if (terms.scheme === '') return atLeastZero(times(quantity, unit));
  if (!tiers) return undefined;
  return atLeastZero(terms.scheme === 'volume' ? volumeOf(tiers, quantity) : graduatedOf(tiers, quantity));
}

function packagesOf(quantity: Rational, { divideBy, roundUp }: Terms): Rational {
  if (divideBy <= 0) return quantity;
  const packages = over(quantity, { n: BigInt(divideBy), d: 1n });
  return { n: roundUp ? ceiling(packages) : floor(packages), d: 1n };
}

function atLeastZero(value: Rational): Rational {
  return value.n < 0n ? zero : value;
}

function tierOf([upTo, flat, unit]: TierTuple): { upTo: Rational | undefined; flat: Rational; unit: Rational } {
  return {
    upTo: upTo === '' ? undefined : parseDecimal(upTo),
    flat: flat === '' ? zero : parseDecimal(flat),
    unit: unit === '' ? zero : parseDecimal(unit),
  };
}

function volumeOf(tiers: readonly TierTuple[], quantity: Rational): Rational {
  for (const { upTo, flat, unit } of tiers.map(tierOf)) {
    if (!upTo || compare(quantity, upTo) <= 0) return plus(flat, times(quantity, unit));
  }
  return zero;
}

function graduatedOf(tiers: readonly TierTuple[], quantity: Rational): Rational {
  let sum = zero;
  let lower = zero;
  for (const { upTo, flat, unit } of tiers.map(tierOf)) {
    if (compare(quantity, lower) <= 0) break;
    const upper = upTo ? smaller(quantity, upTo) : quantity;
    sum = plus(sum, plus(flat, times(minus(upper, lower), unit)));
    if (!upTo) break;
    lower = upTo;
  }
  return sum;
}
