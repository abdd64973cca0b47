/**
 * What one payload says about a subscription, reduced to what MRR, its timeline and its reasons need, in one canonical form for
 * every API version: two payloads that say the same are equal as JSON text. Times are epoch seconds, 0 for none.
 */
export type StateTuple = [
  status: string,
  currency: string,
  items: ItemTuple[],
  /** Keys of discounts, in the order in which they apply. */
  discounts: string[],
  /** The inclusive percentages among the default tax rates. */
  taxes: string[],
  /** A sum of `flags`. */
  flags: number,
  cancelAt: number,
  canceledAt: number,
  trialStart: number,
  trialEnd: number,
];

/** One item of a subscription, as a StateTuple holds it. */
export type ItemTuple = [
  id: string,
  /** A number in the TermsTable. */
  terms: number,
  quantity: string | number,
  discounts: string[],
  /** The inclusive percentages of the item's own tax rates; 0 where it has none, so that the subscription's apply. */
  taxes: string[] | 0,
  /** The end of the trial offer that the item is in; 0 for none. */
  trialEnd: number,
];

/** The bits of a StateTuple's `flags`; `truncated` says that the payload did not hold all items. */
export const flags = { collectionPaused: 1, automaticTax: 2, cancelsAtPeriodEnd: 4, truncated: 8 } as const;

/** A StateTuple, its fields by name. */
export interface State {
  readonly status: string;
  readonly currency: string;
  readonly items: readonly Item[];
  readonly discounts: readonly string[];
  readonly taxes: readonly string[];
  readonly isCollectionPaused: boolean;
  readonly isTaxedAutomatically: boolean;
  readonly cancelsAtPeriodEnd: boolean;
  readonly isTruncated: boolean;
  readonly cancelAt: number;
  readonly canceledAt: number;
  readonly trialStart: number;
  readonly trialEnd: number;
}

/** An ItemTuple, its fields by name. */
export interface Item {
  readonly id: string;
  readonly terms: number;
  readonly quantity: string | number;
  readonly discounts: readonly string[];
  readonly taxes: readonly string[] | 0;
  readonly trialEnd: number;
}

/** The same state with names, its flags apart. */
export function stateOf(tuple: StateTuple): State {
  const [status, currency, items, discounts, taxes, set, cancelAt, canceledAt, trialStart, trialEnd] = tuple;
  return {
    status,
    currency,
    discounts,
    taxes,
    cancelAt,
    canceledAt,
    trialStart,
    trialEnd,
    items: items.map(([id, terms, quantity, own, tax, end]) => ({
      id,
      terms,
      quantity,
      discounts: own,
      taxes: tax,
      trialEnd: end,
    })),
    isCollectionPaused: (set & flags.collectionPaused) !== 0,
    isTaxedAutomatically: (set & flags.automaticTax) !== 0,
    cancelsAtPeriodEnd: (set & flags.cancelsAtPeriodEnd) !== 0,
    isTruncated: (set & flags.truncated) !== 0,
  };
}

/** The same state under another status: what an estimate of the time before the first observation is made of. */
export function withStatus(state: State, status: string): State {
  return { ...state, status };
}

/** Whether a subscription of this status has ended for good. Source: Stripe's API reference, `status` of a subscription. */
export function isTerminal(status: string): boolean {
  return status === 'canceled' || status === 'incomplete_expired';
}

const order = ['incomplete', 'trialing', 'active', 'past_due', 'unpaid', 'paused'];

/** How late a status comes in a subscription's life: among states of one second the later one wins. */
export function rankOf(status: string): number {
  return isTerminal(status) ? order.length : order.indexOf(status);
}
