import type { Content, MovementItem } from './movement.ts';
import { reasonOf } from './reason.ts';
import type { Span, Timeline } from './timeline.ts';
import type { Line, Owner, Valuation, World } from './valuation.ts';
import { valuate } from './valuation.ts';

/** One subscription's movements, and what is known of it beside them. */
export interface History {
  readonly movements: Content[];
  readonly warnings: string[];
  readonly waits: string[];
  /** The first second after `asOf` at which the clock alone may move it; 0 for never. */
  readonly next: number;
}

/** The differences of the subscription's MRR over time, up to `asOf`. The customer's side of them is not filled in yet. */
export function historyOf(owner: Owner, { spans, hasGap }: Timeline, world: World, asOf: number): History {
  const warnings = new Set(hasGap ? [`gap:${owner.id}`] : []);
  const waits = new Set<string>();
  const ledger = new SubscriptionLedger();
  let pastDueSince = 0;
  let next = 0;
  let last: Valuation | undefined;
  for (const [place, span] of spans.entries()) {
    const until = spans[place + 1]?.at ?? Infinity;
    if (span.at > asOf) {
      next = Math.min(next || Infinity, span.at);
      break;
    }
    // An estimate can't say since when it has been past due.
    if (span.state.status !== 'past_due' || span.source === 'estimate') pastDueSince = 0;
    else if (pastDueSince === 0) pastDueSince = span.at;
    for (let at = span.at; ; at = next) {
      const value = valuate(owner, span.state, at, pastDueSince, world);
      for (const warning of value.warnings) warnings.add(warning);
      for (const key of value.waits) waits.add(key);
      if (ledger.isMovedBy(value, span.state.currency)) ledger.move(at, span, value, reasonOf(last, value, at));
      last = value;
      next = value.next;
      if (next >= until || next > asOf) break;
    }
  }
  return { movements: ledger.movements, warnings: [...warnings], waits: [...waits], next: next === Infinity ? 0 : next };
}

class SubscriptionLedger {
  readonly movements: Content[] = [];
  #total = 0;
  #currency = '';
  #lines: readonly Line[] = [];

  isMovedBy(value: Valuation, currency: string): boolean {
    return value.total !== this.#total || (value.total > 0 && currency !== this.#currency);
  }

  move(at: number, span: Span, value: Valuation, reason: string): void {
    const { currency } = span.state;
    if (this.#total > 0 && currency !== this.#currency) {
      this.#add(at, span, undefined, this.#currency, 0, [], reason);
      [this.#total, this.#lines] = [0, []];
    }
    if (value.total !== this.#total) this.#add(at, span, value, currency, value.total, value.lines, reason);
    [this.#total, this.#currency, this.#lines] = [value.total, currency, value.lines];
  }

  #add(
    at: number,
    span: Span,
    value: Valuation | undefined,
    currency: string,
    total: number,
    lines: readonly Line[],
    reason: string,
  ): void {
    const isEstimate = span.source === 'estimate';
    const said = isEstimate ? undefined : at === span.at ? span : value?.holding;
    this.movements.push({
      currency,
      occurred_at: at,
      type: 'new',
      subscription_type: 'new',
      amount: total - this.#total,
      mrr_before: this.#total,
      mrr_after: total,
      customer_mrr_before: 0,
      customer_mrr_after: 0,
      reason,
      estimated: isEstimate,
      source: isEstimate ? 'estimate' : sourceOf(said),
      event_id: said?.id || null,
      items: itemsOf(this.#lines, lines),
    });
  }
}

function sourceOf(said: { source: 'event' | 'snapshot' | 'estimate' } | { from: 'event' | 'snapshot' | 'clock' } | undefined) {
  if (!said) return 'clock';
  return 'from' in said ? said.from : said.source;
}

// The sums before come from the movement before, so that the items of a ledger add up like the ledger itself.
function itemsOf(before: readonly Line[], after: readonly Line[]): MovementItem[] {
  const items: MovementItem[] = [];
  for (const line of before) {
    const now = after.find((other) => isOne(line, other));
    if (!now && line.mrr !== 0) items.push(itemOf(line, line.mrr, 0));
  }
  for (const line of after) {
    const was = before.find((other) => isOne(line, other))?.mrr ?? 0;
    if (was !== 0 || line.mrr !== 0) items.push(itemOf(line, was, line.mrr));
  }
  return items.sort((a, b) => (a.item < b.item ? -1 : a.item > b.item ? 1 : 0));
}

function isOne(a: Line, b: Line): boolean {
  return a.item.id === b.item.id && a.terms.price === b.terms.price;
}

function itemOf({ item, terms, product }: Line, mrrBefore: number, mrrAfter: number): MovementItem {
  return {
    item: item.id,
    price: terms.price,
    product,
    interval: terms.interval,
    interval_count: terms.intervalCount,
    quantity: Number(item.quantity),
    mrr_before: mrrBefore,
    mrr_after: mrrAfter,
  };
}
