import { createHash } from 'node:crypto';
import type { Content, MovementItem, MovementType } from './movement.ts';
import type { Place, Said } from './said.ts';
import { isDue, revisionFor } from './said.ts';

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

/** A month as it is written out. One that is no longer there is a `delete` whose sums are 0. */
export type MonthRecord = { record: 'mrr_month'; id: string; revision: number; op: 'upsert' | 'delete' } & MonthRow;

/** What the months are broken down by: the id of the price, the interval (`month`, `3 month`), or the id of the customer. */
export type Breakdown = 'plan' | 'interval' | 'customer';

/** Whose movements these are. */
export interface CustomerLedger {
  readonly account: string | null;
  readonly livemode: boolean;
  readonly customer: string;
  /** In order of time. */
  readonly movements: readonly Content[];
}

/** What one customer adds to a month of a series; `customers` is 1 where it came to have MRR by the month's end, -1 where it went. */
type Share = [
  currency: string,
  group: string,
  month: number,
  isNew: number,
  expansion: number,
  contraction: number,
  churn: number,
  reactivation: number,
  customers: number,
];

/** A row that was written out, by month: enough to know whether it has changed since. A hash of '' is a deletion. */
type Written = Record<number, [revision: number, hash: string]>;

interface Series {
  readonly book: Book;
  /** `by|currency|group`: by what the group is one, '' where there are none. */
  readonly key: string;
  /** By month: how many customers move in it, and the sums of their shares. */
  readonly months: Map<number, { shares: number; sums: number[] }>;
  written: Written;
  /** What runs that died may have said, by month. */
  said: Map<number, Said<string>[]>;
}

interface Book {
  readonly key: string;
  readonly account: string | null;
  readonly livemode: boolean;
  /** How many shares each month has. */
  readonly months: Map<number, number>;
  readonly series: Map<string, Series>;
}

const nothing: readonly number[] = [0, 0, 0, 0, 0, 0];
const types = ['new', 'expansion', 'contraction', 'churn', 'reactivation'] as const;

/** The months of all customers' ledgers, each account and mode from its first movement to its last, in the time zone `tz`; empty ones too. */
export function monthsOf(ledgers: Iterable<CustomerLedger>, tz: string, by?: Breakdown): MonthRow[] {
  const months = new Months(tz, by);
  for (const ledger of ledgers) months.set(ledger);
  return months.rows();
}

/**
 * The months while the ledger goes on: a customer's movements are put in place of those it had, and only what has changed is
 * written out, each row under the next revision of its id.
 */
export class Months {
  readonly #monthAt: (second: number) => number;
  readonly #by: Breakdown | undefined;
  readonly #books = new Map<string, Book>();
  /** By customer, as JSON text: there may be a million. */
  readonly #shares = new Map<string, string>();
  readonly #touched = new Set<Series>();
  readonly #doubted = new Set<Series>();
  readonly #unsavedShares = new Set<string>();
  readonly #unsavedSeries = new Set<Series>();

  constructor(tz: string, by?: Breakdown) {
    this.#monthAt = calendar(tz);
    this.#by = by;
  }

  /** Says what the movements of one customer are now. */
  set({ account, livemode, customer, movements }: CustomerLedger): void {
    const book = this.#book(account, livemode);
    const key = `${book.key}|${customer}`;
    const shares = this.#sharesOf(customer, movements);
    const text = shares.length === 0 ? '' : JSON.stringify(shares);
    const before = this.#shares.get(key) ?? '';
    if (text === before) return;
    this.#take(book, key);
    for (const share of shares) this.#add(book, share, 1);
    if (text !== '') this.#shares.set(key, text);
    this.#unsavedShares.add(key);
  }

  /** Every row, in the order of account, mode, currency, group and month. */
  rows(): MonthRow[] {
    const all = [...this.#books.values()].flatMap(({ series }) => [...series.values()]);
    return all.sort(inOrder).flatMap((series) => [...rowsOf(series)].map(([, row]) => row));
  }

  /**
   * The rows that are others than those written out so far, in the same order. The first revision of an id is `first`, `now` how far the
   * ledger has come.
   */
  changed(first = 1, now: Place = { commit: 0, read: 0 }): MonthRecord[] {
    const changed: MonthRecord[] = [];
    for (const series of this.#doubted) {
      if ([...series.said.values()].some((said) => said.some((one) => isDue(one, now)))) this.#touched.add(series);
    }
    for (const series of [...this.#touched].sort(inOrder)) {
      const before = changed.length;
      changed.push(...changedOf(series, first, now));
      if (changed.length > before) this.#unsavedSeries.add(series);
    }
    for (const series of this.#touched) if (series.said.size === 0) this.#doubted.delete(series);
    this.#touched.clear();
    return changed;
  }

  /** The entries of the state that have changed since the last call; null takes one back. */
  *changes(): Generator<[key: string, value: unknown]> {
    for (const key of this.#unsavedShares) {
      const text = this.#shares.get(key);
      yield [`month_shares|${key}`, text === undefined ? null : JSON.parse(text)];
    }
    this.#unsavedShares.clear();
    for (const { book, key, written } of this.#unsavedSeries) yield [`month_rows|${book.key}|${key}`, written];
    this.#unsavedSeries.clear();
  }

  /** Takes back what changes() told, before anything is set. */
  load(key: string, value: unknown): void {
    const [table, account = '', mode, ...rest] = key.split('|');
    const book = this.#book(account || null, mode === 'true');
    if (table === 'month_rows') {
      this.#series(book, rest.join('|')).written = value as Written;
      return;
    }
    const customer = `${book.key}|${rest.join('|')}`;
    this.#take(book, customer);
    if (value === null) return;
    this.#shares.set(customer, JSON.stringify(value));
    for (const share of value as Share[]) this.#add(book, share, 1);
  }

  /** Takes what a run that died may have said, once all is loaded. */
  loadSaid(place: Place, key: string, value: unknown): void {
    const [, account = '', mode, ...rest] = key.split('|');
    const series = this.#series(this.#book(account || null, mode === 'true'), rest.join('|'));
    for (const [month, [revision, hash]] of Object.entries(value as Written)) {
      series.said.set(Number(month), [...(series.said.get(Number(month)) ?? []), { place, revision, hash }]);
    }
    this.#doubted.add(series);
  }

  /** Ends the loading: what was loaded has been written out already or, where all is to be said again, will be. */
  begin(saysAllAgain: boolean): void {
    this.#touched.clear();
    if (!saysAllAgain) return;
    for (const key of [...this.#shares.keys()]) {
      const [account = '', mode] = key.split('|');
      this.#take(this.#book(account || null, mode === 'true'), key);
      this.#unsavedShares.add(key);
    }
    for (const { series } of this.#books.values()) {
      for (const one of series.values()) {
        this.#touched.add(one);
        for (const row of Object.values(one.written)) if (row[1] !== '') row[1] = '?';
      }
    }
  }

  #take(book: Book, customer: string): void {
    const before = this.#shares.get(customer);
    if (before !== undefined) for (const share of JSON.parse(before) as Share[]) this.#add(book, share, -1);
    this.#shares.delete(customer);
  }

  #book(account: string | null, livemode: boolean): Book {
    const key = `${account ?? ''}|${livemode}`;
    let book = this.#books.get(key);
    if (!book) this.#books.set(key, (book = { key, account, livemode, months: new Map(), series: new Map() }));
    return book;
  }

  #series(book: Book, key: string): Series {
    let series = book.series.get(key);
    if (!series) book.series.set(key, (series = { book, key, months: new Map(), written: {}, said: new Map() }));
    return series;
  }

  #add(book: Book, [currency, group, month, ...sums]: Share, sign: 1 | -1): void {
    const series = this.#series(book, `${this.#by ?? ''}|${currency}|${group}`);
    const known = series.months.get(month) ?? { shares: 0, sums: [...nothing] };
    known.shares += sign;
    for (const [place, sum] of sums.entries()) known.sums[place]! += sign * sum;
    if (known.shares === 0) series.months.delete(month);
    else series.months.set(month, known);
    this.#touched.add(series);
    const count = (book.months.get(month) ?? 0) + sign;
    if (count === 0) book.months.delete(month);
    else book.months.set(month, count);
    // Where the ledger's first or last month may be another one now, every series of it has more rows or fewer.
    if (count === (sign === 1 ? 1 : 0)) for (const other of book.series.values()) this.#touched.add(other);
  }

  #sharesOf(customer: string, movements: readonly Content[]): Share[] {
    const shares = new Map<string, Share>();
    const balances = new Map<string, { share: Share; sum: number; counted: boolean }>();
    const close = (balance: { share: Share; sum: number; counted: boolean }) => {
      const counts = balance.sum > 0;
      if (counts !== balance.counted) balance.share[8] += counts ? 1 : -1;
      balance.counted = counts;
    };
    for (const movement of movements) {
      const month = this.#monthAt(movement.occurred_at);
      for (const [group, amount] of partsOf(movement, customer, this.#by)) {
        const key = JSON.stringify([movement.currency, group]);
        let share = shares.get(`${month} ${key}`);
        if (!share) shares.set(`${month} ${key}`, (share = [movement.currency, group, month, 0, 0, 0, 0, 0, 0]));
        const place = (3 + types.indexOf(movement.type)) as 3;
        share[place] += amount;
        let balance = balances.get(key);
        if (!balance) balances.set(key, (balance = { share, sum: 0, counted: false }));
        if (balance.share !== share) close(balance);
        balance.share = share;
        balance.sum += amount;
      }
    }
    for (const balance of balances.values()) close(balance);
    return [...shares.values()];
  }
}

function inOrder(a: Series, b: Series): number {
  const keysOf = ({ book, key }: Series) => [book.account ?? '', book.livemode ? '0' : '1', ...key.split('|')];
  const [one, other] = [keysOf(a), keysOf(b)];
  const place = one.findIndex((part, i) => part !== other[i]);
  return place < 0 ? -1 : one[place]! < (other[place] ?? '') ? -1 : 1;
}

function* changedOf(series: Series, first: number, now: Place): Generator<MonthRecord> {
  const { written: before, said } = series;
  const written: Written = {};
  const revisionOf = (month: number, hash: string) =>
    revisionFor(before[month], hash, said.get(month) ?? [], now, { first, none: '' });
  for (const [month, row] of rowsOf(series)) {
    const hash = hashOf(JSON.stringify(row));
    const revision = revisionOf(month, hash);
    written[month] = revision === undefined ? before[month]! : [revision, hash];
    if (revision !== undefined) yield recordOf(row, revision, 'upsert');
  }
  for (const month of new Set([...Object.keys(before).map(Number), ...said.keys()])) {
    if (written[month] !== undefined) continue;
    const revision = revisionOf(month, '');
    if (revision !== undefined) written[month] = [revision, ''];
    else if (before[month]) written[month] = before[month];
    if (revision !== undefined) yield recordOf(rowOf(series, month, 0, nothing, 0), revision, 'delete');
  }
  series.written = written;
  for (const [month, all] of said) {
    const open = all.filter((one) => !isDue(one, now));
    if (open.length > 0) said.set(month, open);
    else said.delete(month);
  }
}

function partsOf(movement: Content, customer: string, by: Breakdown | undefined): [string, number][] {
  if (!by) return [['', movement.amount]];
  if (by === 'customer') return [[customer, movement.amount]];
  return movement.items.map((item) => [by === 'plan' ? item.price : intervalOf(item), item.mrr_after - item.mrr_before]);
}

function intervalOf({ interval, interval_count: count }: MovementItem): string {
  return count === 1 ? interval : `${count} ${interval}`;
}

function* rowsOf(series: Series): Generator<[month: number, row: MonthRow]> {
  if (series.months.size === 0) return;
  const all = [...series.book.months.keys()];
  const last = all.reduce((a, b) => Math.max(a, b));
  let [opening, customers] = [0, 0];
  for (let month = all.reduce((a, b) => Math.min(a, b)); month <= last; month++) {
    const sums = series.months.get(month)?.sums ?? nothing;
    customers += sums[5]!;
    const row = rowOf(series, month, opening, sums, customers);
    yield [month, row];
    opening = row.closing;
  }
}

function rowOf(
  { book: { account, livemode }, key }: Series,
  month: number,
  opening: number,
  sums: readonly number[],
  customers: number,
): MonthRow {
  const [by = '', currency = '', ...group] = key.split('|');
  const moved = Object.fromEntries(types.map((type, place) => [type, sums[place]!])) as Record<MovementType, number>;
  return {
    record: 'mrr_month',
    account,
    livemode,
    month: nameOf(month),
    currency,
    ...(by === '' ? {} : { [by]: group.join('|') }),
    opening,
    ...moved,
    closing: types.reduce((sum, type) => sum + moved[type], opening),
    customers,
  };
}

function recordOf(row: MonthRow, revision: number, op: 'upsert' | 'delete'): MonthRecord {
  const { record, account, livemode, month, currency, plan, interval, customer } = row;
  // The group under its name, so that several breakdowns may lie in one table.
  const name = JSON.stringify([account, livemode, currency, month, { plan, interval, customer }]);
  const id = `mo_${createHash('sha256').update(name).digest('hex').slice(0, 24)}`;
  return Object.assign({ record, id, revision, op }, row);
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64').slice(0, 16);
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
