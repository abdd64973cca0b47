import type { Content, MovementItem, MovementType } from './movement.ts';

/** One month of one currency's ledger. opening + the five = closing = the next opening. `customers` counts those with MRR at the month's end. */
export interface MonthRow extends Record<MovementType, number> {
  record: 'mrr_month';
  account: string | null;
  livemode: boolean;
  month: string;
  currency: string;
  plan?: string;
  interval?: string;
  customer?: string;
  opening: number;
  closing: number;
  customers: number;
}

export type Breakdown = 'plan' | 'interval' | 'customer';

/** Whose movements these are. */
export interface CustomerLedger {
  readonly account: string | null;
  readonly livemode: boolean;
  readonly customer: string;
  /** In order of time. */
  readonly movements: readonly Content[];
}

interface Sums extends Record<MovementType, number> {
  /** How many customers came to have MRR at the month's end who had none at the last one's, less those that went. */
  customers: number;
}

interface Book {
  readonly account: string | null;
  readonly livemode: boolean;
  first: number;
  last: number;
  /** By currency and group, by month. */
  readonly series: Map<string, { currency: string; group: string; months: Map<number, Sums> }>;
}

/** The months of all customers' ledgers, each account and mode from its first movement to its last, in the time zone `tz`; empty ones too. */
export function monthsOf(ledgers: Iterable<CustomerLedger>, tz: string, by?: Breakdown): MonthRow[] {
  const books = new Map<string, Book>();
  const monthAt = calendar(tz);
  for (const ledger of ledgers) {
    const key = JSON.stringify([ledger.account ?? '', !ledger.livemode]);
    let book = books.get(key);
    if (!book)
      books.set(
        key,
        (book = { account: ledger.account, livemode: ledger.livemode, first: Infinity, last: -Infinity, series: new Map() }),
      );
    addLedger(book, ledger, monthAt, by);
  }
  return [...books].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, book]) => [...rowsOf(book, by)]);
}

function addLedger(
  book: Book,
  { customer, movements }: CustomerLedger,
  monthAt: (second: number) => number,
  by: Breakdown | undefined,
): void {
  const balances = new Map<string, { month: number; sum: number; counted: boolean }>();
  for (const movement of movements) {
    const month = monthAt(movement.occurred_at);
    book.first = Math.min(book.first, month);
    book.last = Math.max(book.last, month);
    for (const [group, amount] of sharesOf(movement, customer, by)) {
      const key = JSON.stringify([movement.currency, group]);
      sumsOf(book, key, movement.currency, group, month)[movement.type] += amount;
      let balance = balances.get(key);
      if (!balance) balances.set(key, (balance = { month, sum: 0, counted: false }));
      if (balance.month !== month) closeMonth(book, key, balance);
      balance.month = month;
      balance.sum += amount;
    }
  }
  for (const [key, balance] of balances) closeMonth(book, key, balance);
}

function closeMonth(book: Book, key: string, balance: { month: number; sum: number; counted: boolean }): void {
  const counts = balance.sum > 0;
  if (counts === balance.counted) return;
  balance.counted = counts;
  book.series.get(key)!.months.get(balance.month)!.customers += counts ? 1 : -1;
}

function sharesOf(movement: Content, customer: string, by: Breakdown | undefined): [string, number][] {
  if (!by) return [['', movement.amount]];
  if (by === 'customer') return [[customer, movement.amount]];
  return movement.items.map((item) => [by === 'plan' ? item.price : intervalOf(item), item.mrr_after - item.mrr_before]);
}

function intervalOf({ interval, interval_count: count }: MovementItem): string {
  return count === 1 ? interval : `${count} ${interval}`;
}

function sumsOf(book: Book, key: string, currency: string, group: string, month: number): Sums {
  let series = book.series.get(key);
  if (!series) book.series.set(key, (series = { currency, group, months: new Map() }));
  let sums = series.months.get(month);
  if (!sums) series.months.set(month, (sums = { new: 0, expansion: 0, contraction: 0, churn: 0, reactivation: 0, customers: 0 }));
  return sums;
}

function* rowsOf({ account, livemode, first, last, series }: Book, by: Breakdown | undefined): Generator<MonthRow> {
  for (const [, { currency, group, months }] of [...series].sort(([a], [b]) => (a < b ? -1 : 1))) {
    let [opening, customers] = [0, 0];
    for (let month = first; month <= last; month++) {
      const { customers: gained = 0, ...moved } = months.get(month) ?? {
        new: 0,
        expansion: 0,
        contraction: 0,
        churn: 0,
        reactivation: 0,
      };
      const closing = opening + moved.new + moved.expansion + moved.contraction + moved.churn + moved.reactivation;
      customers += gained;
      const grouped = by ? { [by]: group } : {};
      yield {
        record: 'mrr_month',
        account,
        livemode,
        month: nameOf(month),
        currency,
        ...grouped,
        opening,
        ...moved,
        closing,
        customers,
      };
      opening = closing;
    }
  }
}

// Months are numbered from year 0, so that they can be counted through.
function nameOf(month: number): string {
  return `${String(Math.floor(month / 12)).padStart(4, '0')}-${String((month % 12) + 1).padStart(2, '0')}`;
}

function calendar(tz: string): (second: number) => number {
  if (tz === 'UTC') {
    return (second) => {
      const date = new Date(second * 1000);
      return date.getUTCFullYear() * 12 + date.getUTCMonth();
    };
  }
  const format = new Intl.DateTimeFormat('en-US', { timeZone: tz, year: 'numeric', month: 'numeric' });
  return (second) => {
    const parts = new Map(format.formatToParts(second * 1000).map(({ type, value }) => [type, Number(value)]));
    return parts.get('year')! * 12 + parts.get('month')! - 1;
  };
}
