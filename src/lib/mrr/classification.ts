import type { Content, MovementType } from './movement.ts';
import type { Rules } from './options.ts';

/** Fills in the types and the customer's sums of all movements of one customer, which come in order of time. */
export function typeMovements(
  movements: readonly Content[],
  bySubscription: readonly (readonly Content[])[],
  rules: Rules,
): void {
  classify(movements, rules, (movement, type) => (movement.type = type));
  for (const own of bySubscription) classify(own, rules, (movement, type) => (movement.subscription_type = type));
  const sums = new Map<string, number>();
  for (const movement of movements) {
    const before = sums.get(movement.currency) ?? 0;
    movement.customer_mrr_before = before;
    movement.customer_mrr_after = before + movement.amount;
    sums.set(movement.currency, movement.customer_mrr_after);
  }
}

// A group is what moved in one second or in a coalesce window; its type comes from the sum before and after it, over all currencies.
function classify(
  movements: readonly Content[],
  { coalesceS, reactivationWindowS }: Rules,
  set: (movement: Content, type: MovementType) => void,
): void {
  let sum = 0;
  let hadAny = false;
  let zeroSince = 0;
  for (let from = 0, to = 0; from < movements.length; from = to) {
    const begin = movements[from]!.occurred_at;
    const before = sum;
    for (to = from; to < movements.length; to++) {
      const { occurred_at: at, amount } = movements[to]!;
      if (at !== begin && at >= begin + coalesceS) break;
      sum += amount;
    }
    let type: MovementType | undefined;
    if (before === 0 && sum > 0)
      type = hadAny && (reactivationWindowS === undefined || begin - zeroSince <= reactivationWindowS) ? 'reactivation' : 'new';
    if (before > 0 && sum === 0) type = 'churn';
    for (const movement of movements.slice(from, to)) set(movement, type ?? (movement.amount > 0 ? 'expansion' : 'contraction'));
    if (sum > 0) hadAny = true;
    else zeroSince = movements[to - 1]!.occurred_at;
  }
}
