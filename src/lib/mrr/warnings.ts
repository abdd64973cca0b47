/** What each kind of warning means for the figures, and what would mend it. */
const meanings: Record<string, string> = {
  unresolved_discount: 'discounts whose coupon is not known take nothing off; read coupons and customers too',
  missing_tiers: 'prices whose tiers are not known count as 0; read prices too',
  price_currency: "prices without an amount in the subscription's currency count as 0; read prices too",
  coupon_currency: "coupons without an amount in the subscription's currency take nothing off; read coupons too",
  unknown_interval: 'prices of an unknown interval count as 0',
  inclusive_automatic_tax: 'the tax inside their prices is not in the records; it is left in',
  truncated_items: 'not all that they hold is in the records',
  beyond_exact: 'their MRR is too great to be exact and counts as 0',
  gap: 'a change was missed; the next record shows it',
};
const shownDetails = 3;

/** Warnings, `kind:detail` with how many subscriptions have each, as a line a kind for a person. */
export function summarise(warnings: ReadonlyMap<string, number>): string[] {
  const kinds = new Map<string, { details: string[]; subscriptions: number }>();
  for (const [warning, subscriptions] of warnings) {
    const [kind = '', ...detail] = warning.split(':');
    const known = kinds.get(kind) ?? { details: [], subscriptions: 0 };
    known.details.push(detail.join(':'));
    known.subscriptions += subscriptions;
    kinds.set(kind, known);
  }
  return [...kinds].map(([kind, { details, subscriptions }]) => {
    const shown = details.length > shownDetails ? [...details.slice(0, shownDetails), '…'] : details;
    const meaning = meanings[kind] ?? '';
    const where = subscriptions === 1 ? '1 subscription' : `${subscriptions} subscriptions`;
    return `warning ${kind} in ${where} (${shown.join(', ')}): ${meaning}`;
  });
}
