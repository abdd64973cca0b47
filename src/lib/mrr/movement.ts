import { createHash } from 'node:crypto';

/** What the MRR did: from 0 (the first time, or past the window), up, down, to 0, from 0 again. */
export type MovementType = 'new' | 'expansion' | 'contraction' | 'churn' | 'reactivation';

/** A movement's share on one item at one price; a changed price makes two of them, the old one first. */
export interface MovementItem {
  item: string;
  price: string;
  product: string;
  interval: string;
  interval_count: number;
  quantity: number;
  mrr_before: number;
  mrr_after: number;
}

/**
 * One line of the ledger, in the order of its fields. Amounts are whole minor units of the currency. A `delete` takes back the id: it keeps the keys, its
 * amounts are 0 and what described the movement is null.
 */
export interface Movement {
  record: 'mrr_movement';
  id: string;
  revision: number;
  op: 'upsert' | 'delete';
  account: string | null;
  livemode: boolean;
  customer: string;
  subscription: string;
  currency: string;
  occurred_at: number;
  type: MovementType | null;
  subscription_type: MovementType | null;
  amount: number;
  mrr_before: number;
  mrr_after: number;
  customer_mrr_before: number;
  customer_mrr_after: number;
  reason: string | null;
  estimated: boolean;
  source: 'event' | 'snapshot' | 'clock' | 'estimate' | null;
  event_id: string | null;
  items: MovementItem[];
}

/** What a movement says beside its keys and its place in the ledger. */
export type Content = Omit<
  Movement,
  'record' | 'id' | 'revision' | 'op' | 'account' | 'livemode' | 'customer' | 'subscription'
> & {
  type: MovementType;
  subscription_type: MovementType;
};

/** Whose movement it is. */
export interface Keys {
  readonly account: string | null;
  readonly livemode: boolean;
  readonly customer: string;
  readonly subscription: string;
}

/** The line of a movement; where there is only its second and currency, the line that deletes it. */
export function writeMovement(
  keys: Keys,
  content: Content | Pick<Content, 'occurred_at' | 'currency'>,
  revision: number,
): Movement {
  const { account, livemode, customer, subscription } = keys;
  const { occurred_at, currency } = content;
  const full = 'type' in content ? content : undefined;
  return {
    record: 'mrr_movement',
    id: movementId(keys, currency, occurred_at),
    revision,
    op: full ? 'upsert' : 'delete',
    account,
    livemode,
    customer,
    subscription,
    currency,
    occurred_at,
    type: full?.type ?? null,
    subscription_type: full?.subscription_type ?? null,
    amount: full?.amount ?? 0,
    mrr_before: full?.mrr_before ?? 0,
    mrr_after: full?.mrr_after ?? 0,
    customer_mrr_before: full?.customer_mrr_before ?? 0,
    customer_mrr_after: full?.customer_mrr_after ?? 0,
    reason: full?.reason ?? null,
    estimated: full?.estimated ?? false,
    source: full?.source ?? null,
    event_id: full?.event_id ?? null,
    items: full?.items ?? [],
  };
}

// The same over runs, batches and sources: the warehouse merges on it.
function movementId({ account, livemode, subscription }: Keys, currency: string, occurredAt: number): string {
  const name = `${account ?? ''}|${livemode}|${subscription}|${currency}|${occurredAt}`;
  return `mm_${createHash('sha256').update(name).digest('hex').slice(0, 24)}`;
}

/** What tells a movement's place among the others. */
export type Place = Pick<Movement, 'occurred_at' | 'account' | 'subscription' | 'livemode' | 'currency'>;

/** The order of a ledger's lines: second, account, subscription, then what is left to tell them apart. */
export function inOrder(a: Place, b: Place): number {
  return (
    a.occurred_at - b.occurred_at ||
    order(a.account ?? '', b.account ?? '') ||
    order(a.subscription, b.subscription) ||
    Number(b.livemode) - Number(a.livemode) ||
    order(a.currency, b.currency)
  );
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
