import { own } from './json.ts';
import { compare } from './rational.ts';
import type { Line, Valuation } from './valuation.ts';

const entries: Record<string, string> = {
  incomplete: 'activated',
  trialing: 'trial_converted',
  paused: 'resumed',
  collection_paused: 'resumed',
  unpaid: 'recovered',
  past_due_grace: 'recovered',
  cancel_requested: 'cancel_reverted',
};

const exits: Record<string, string> = {
  trialing: 'trial_started',
  canceled: 'canceled',
  unpaid: 'unpaid',
  paused: 'paused',
  collection_paused: 'collection_paused',
  cancel_requested: 'cancel_requested',
  past_due_grace: 'past_due_grace',
  incomplete_expired: 'incomplete_expired',
};

/** Why the MRR moved at second `at`, from the valuation just before it (undefined: the subscription was not there) to the one of that second. */
export function reasonOf(before: Valuation | undefined, after: Valuation, at: number): string {
  if (after.absence !== '') return own(exits, after.absence) ?? 'other';
  if (!before) return 'started';
  if (before.absence !== '') return own(entries, before.absence) ?? 'other';
  const causes = new Set([...itemCauses(before, after), ...discountCauses(before, after, at)]);
  if (causes.size > 1) return 'mixed';
  return [...causes][0] ?? 'other';
}

function* itemCauses(before: Valuation, after: Valuation): Generator<string> {
  for (const [was, is] of pairs(before.lines, after.lines)) {
    const isSame = was && is && compare(was.gross, is.gross) === 0;
    const isWorthless = (!was || was.gross.n === 0n) && (!is || is.gross.n === 0n);
    if (was && is && was.taxes !== is.taxes && !isWorthless) yield 'tax_changed';
    if (isWorthless || isSame) continue;
    if (!was) yield 'item_added';
    else if (!is) yield 'item_removed';
    // A trial offer has a price of its own, which ends with it.
    else if (was.isInTrial !== is.isInTrial) yield was.isInTrial ? 'trial_offer_ended' : 'trial_started';
    else {
      if (was.item.terms !== is.item.terms) yield 'price_changed';
      if (was.item.quantity !== is.item.quantity) yield 'quantity_changed';
    }
  }
}

// Items by their ids; what is left over by price, since payloads of old versions have no item ids.
function* pairs(before: readonly Line[], after: readonly Line[]): Generator<[Line | undefined, Line | undefined]> {
  const isOne = (a: Line, b: Line): boolean => a.item.id === b.item.id;
  const added = after.filter((line) => !before.some((other) => isOne(line, other)));
  for (const was of before) {
    let is = after.find((line) => isOne(line, was));
    if (!is) {
      const place = added.findIndex((line) => line.terms.price === was.terms.price);
      if (place >= 0) [is] = added.splice(place, 1);
    }
    yield [was, is];
  }
  for (const is of added) yield [undefined, is];
}

function* discountCauses(before: Valuation, after: Valuation, at: number): Generator<string> {
  for (const { key, end } of before.discounts) {
    if (!after.discounts.some((other) => other.key === key)) yield end > 0 && end <= at ? 'discount_ended' : 'discount_removed';
  }
  for (const { key } of after.discounts) if (!before.discounts.some((other) => other.key === key)) yield 'discount_added';
}
