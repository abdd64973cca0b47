import type { CustomerDiscounts, Holding } from './customer-discounts.ts';
import type { CouponTerms, Facts } from './facts.ts';
import { own } from './json.ts';
import type { Rules } from './options.ts';
import { amountOf } from './period-amount.ts';
import type { Rational } from './rational.ts';
import { compare, minus, one, over, parseDecimal, plus, ratio, smaller, times, zero } from './rational.ts';
import type { Item, State } from './state.ts';
import type { Terms, TermsTable } from './terms.ts';
import { inWholeUnits } from './whole-units.ts';

/** What one subscription has to be valued with. */
export interface World {
  readonly rules: Rules;
  readonly terms: TermsTable;
  readonly facts: Facts;
  readonly customerDiscounts: CustomerDiscounts;
}

/** Who is valued: the keys under which the world knows its discounts. */
export interface Owner {
  readonly id: string;
  readonly book: string;
  readonly customer: string;
}

/** An item's share of the MRR, in whole minor units. `gross` is a month's worth of it before discounts and taxes. */
export interface Line {
  readonly item: Item;
  readonly terms: Terms;
  readonly product: string;
  readonly gross: Rational;
  readonly isInTrial: boolean;
  readonly taxes: string;
  readonly mrr: number;
}

/** The MRR of one state at one second, and until when it stays. */
export interface Valuation {
  readonly total: number;
  readonly lines: readonly Line[];
  /** Why it doesn't count ('' where it does): its status, or the rule that took it out. */
  readonly absence: string;
  /** The discounts that took something off: `key`, or `item/key` for an item's own. */
  readonly discounts: readonly Taken[];
  /** The next second at which the clock alone may change it, or Infinity. */
  readonly next: number;
  /** Set where the customer's own discount changed in this very second. */
  readonly holding: Holding | undefined;
  readonly warnings: readonly string[];
  /** Keys of what was missing: once it is known, the subscription is valued again. */
  readonly waits: readonly string[];
}

interface Taken {
  readonly key: string;
  readonly end: number;
}

interface Discount {
  readonly coupon: string;
  readonly terms: CouponTerms;
  readonly products: readonly string[] | undefined;
  readonly end: number;
}

interface Share {
  readonly item: Item;
  readonly terms: Terms;
  readonly product: string;
  readonly gross: Rational;
  readonly isInTrial: boolean;
  readonly rate: Rational;
  readonly taxes: readonly string[];
  value: Rational;
}

/** The definition of MRR: `state` valued at second `at`. `pastDueSince` is the second since which it has been past due, or 0. */
export function valuate(owner: Owner, state: State, at: number, pastDueSince: number, world: World): Valuation {
  const valuer = new Valuer(owner, state, at, world);
  const absence = valuer.absence(pastDueSince);
  return absence === '' ? valuer.value() : valuer.nothing(absence);
}

/** One valuation while it is being made: it collects the clock points, warnings and missing things that it meets. */
class Valuer {
  readonly #owner: Owner;
  readonly #state: State;
  readonly #at: number;
  readonly #world: World;
  readonly #taken: Taken[] = [];
  readonly #warnings = new Set<string>();
  readonly #waits = new Set<string>();
  #next = Infinity;
  #holding: Holding | undefined;

  constructor(owner: Owner, state: State, at: number, world: World) {
    this.#owner = owner;
    this.#state = state;
    this.#at = at;
    this.#world = world;
  }

  absence(pastDueSince: number): string {
    const { status, isCollectionPaused, canceledAt } = this.#state;
    const { pastDueGraceS, churnAt, pauseCollection } = this.#world.rules;
    if (status !== 'active' && status !== 'past_due') return status;
    if (status === 'past_due' && pastDueGraceS !== undefined && pastDueSince > 0 && this.#isReached(pastDueSince + pastDueGraceS))
      return 'past_due_grace';
    if (churnAt === 'requested' && canceledAt > 0 && this.#isReached(canceledAt)) return 'cancel_requested';
    return pauseCollection === 'zero' && isCollectionPaused ? 'collection_paused' : '';
  }

  nothing(absence: string): Valuation {
    return { total: 0, lines: [], absence, discounts: [], next: Infinity, holding: undefined, warnings: [], waits: [] };
  }

  value(): Valuation {
    const state = this.#state;
    if (state.isTruncated) this.#warnings.add(`truncated_items:${this.#owner.id}`);
    const shares = state.items.map((item) => this.#shareOf(item));
    this.#takeSubscriptionDiscounts(shares);
    for (const share of shares) this.#takeTax(share);
    const wholes = inWholeUnits(shares.map((share) => share.value));
    if (!wholes) this.#warnings.add(`beyond_exact:${this.#owner.id}`);
    const lines = shares.map(({ item, terms, product, gross, isInTrial, taxes }, place) => ({
      item,
      terms,
      product,
      gross,
      isInTrial,
      taxes: taxes.join('+'),
      mrr: wholes?.[place] ?? 0,
    }));
    return {
      total: lines.reduce((sum, line) => sum + line.mrr, 0),
      lines,
      absence: '',
      discounts: this.#taken,
      next: this.#next,
      holding: this.#holding,
      warnings: [...this.#warnings],
      waits: [...this.#waits],
    };
  }

  #isReached(second: number): boolean {
    if (second <= this.#at) return true;
    this.#next = Math.min(this.#next, second);
    return false;
  }

  #shareOf(item: Item): Share {
    const terms = this.#world.terms.get(item.terms);
    const rate = this.#rateOf(terms);
    const isInTrial = item.trialEnd > 0 && !this.#isReached(item.trialEnd);
    const amount = isInTrial || rate.n === 0n ? zero : this.#periodAmountOf(item, terms);
    const product = terms.product || this.#world.facts.get('price', this.#owner.book, terms.price, 'product') || '';
    let left = amount;
    for (const key of item.discounts) {
      if (left.n === 0n) break;
      const discount = this.#discountInForce(key);
      if (!discount || !appliesTo(discount, product)) continue;
      const off = smaller(left, this.#reductionOf(discount, left));
      if (off.n > 0n) this.#taken.push({ key: `${item.id}/${key}`, end: discount.end });
      left = minus(left, off);
    }
    const taxes = item.taxes === 0 ? this.#state.taxes : item.taxes;
    return { item, terms, product, rate, isInTrial, taxes, gross: times(amount, rate), value: times(left, rate) };
  }

  #rateOf({ interval, intervalCount, price }: Terms): Rational {
    const factor = this.#world.rules.factors.get(interval);
    if (factor) return intervalCount === 1 ? factor : ratio(factor.n, factor.d * BigInt(intervalCount));
    this.#warnings.add(`unknown_interval:${price}`);
    return zero;
  }

  #periodAmountOf(item: Item, terms: Terms): Rational {
    const { currency } = this.#state;
    const facts = this.#world.facts;
    if (terms.metered || terms.currency === '' || terms.currency === currency) {
      const tiers = terms.scheme === '' ? undefined : facts.get('price', this.#owner.book, terms.price, 'tiers');
      return (
        amountOf(item.quantity, terms, terms.unit, tiers) ?? this.#missing(`missing_tiers:${terms.price}`, 'price', terms.price)
      );
    }
    const option = own(facts.get('price', this.#owner.book, terms.price, 'options'), currency);
    if (!option) return this.#missing(`price_currency:${terms.price}`, 'price', terms.price);
    const [unit, , tiers] = option;
    const amount = amountOf(item.quantity, terms, unit === '' ? zero : parseDecimal(unit), tiers);
    return amount ?? this.#missing(`missing_tiers:${terms.price}`, 'price', terms.price);
  }

  #takeSubscriptionDiscounts(shares: readonly Share[]): void {
    const counted = shares.filter((share) => share.value.n > 0n);
    if (counted.length === 0) return;
    for (const key of this.#state.discounts.length > 0 ? this.#state.discounts : this.#inherited()) {
      const discount = this.#discountInForce(key);
      const eligible = discount ? counted.filter((share) => share.value.n > 0n && appliesTo(discount, share.product)) : [];
      if (!discount || eligible.length === 0) continue;
      const sum = eligible.map((share) => share.value).reduce(plus);
      // An amount comes off each invoice, so it recurs with the shortest of the intervals that it applies to.
      const rate = eligible.map((share) => share.rate).reduce((a, b) => (compare(a, b) >= 0 ? a : b));
      const off = smaller(sum, this.#reductionOf(discount, sum, rate));
      if (off.n === 0n) continue;
      this.#taken.push({ key, end: discount.end });
      const kept = over(minus(sum, off), sum);
      for (const share of eligible) share.value = times(share.value, kept);
    }
  }

  // The customer's own discount, which a subscription without a list of its own inherits.
  #inherited(): string[] {
    let current: Holding | undefined;
    for (const holding of this.#world.customerDiscounts.holdings(this.#owner.book, this.#owner.customer)) {
      if (!this.#isReached(holding.at)) break;
      current = holding;
    }
    if (current?.at === this.#at) this.#holding = current;
    return current && current.discount !== '' ? [current.discount] : [];
  }

  #discountInForce(key: string): Discount | undefined {
    const { rules, facts } = this.#world;
    if (rules.discounts === 'none') return undefined;
    const { book } = this.#owner;
    const is = facts.get('discount', book, key, 'is');
    if (is && (!this.#isReached(is[1]) || (is[2] > 0 && this.#isReached(is[2])))) return undefined;
    const terms = is && (facts.get('discount', book, key, 'terms') ?? facts.get('coupon', book, is[0], 'terms'));
    if (!is || !terms) {
      this.#missing(`unresolved_discount:${key}`, 'discount', key);
      if (is) this.#waits.add(`coupon|${book}|${is[0]}`);
      return undefined;
    }
    const [coupon, , end] = is;
    const [, , , duration] = terms;
    if (duration === 'once' ? rules.discounts !== 'all' : duration !== 'forever' && rules.discounts === 'forever')
      return undefined;
    return { coupon, terms, products: facts.get('coupon', book, coupon, 'products'), end };
  }

  // What it takes off `value`, not yet capped; an amount is multiplied with `rate`.
  #reductionOf({ coupon, terms }: Discount, value: Rational, rate: Rational = one): Rational {
    const [percent, amount, currency] = terms;
    if (percent !== '') return times(value, over(parseDecimal(percent), { n: 100n, d: 1n }));
    const off =
      currency === this.#state.currency
        ? amount
        : own(this.#world.facts.get('coupon', this.#owner.book, coupon, 'options'), this.#state.currency);
    if (off) return times(parseDecimal(off), rate);
    return this.#missing(`coupon_currency:${coupon}`, 'coupon', coupon);
  }

  #takeTax(share: Share): void {
    if (share.value.n === 0n) return;
    if (share.taxes.length > 0) {
      const percent = share.taxes.map(parseDecimal).reduce(plus);
      share.value = over(share.value, plus(one, over(percent, { n: 100n, d: 1n })));
    } else if (this.#state.isTaxedAutomatically && this.#isTaxInclusive(share.terms)) {
      this.#warnings.add(`inclusive_automatic_tax:${this.#owner.id}`);
    }
  }

  #isTaxInclusive(terms: Terms): boolean {
    if (terms.currency === '' || terms.currency === this.#state.currency) return terms.taxInclusive;
    return own(this.#world.facts.get('price', this.#owner.book, terms.price, 'options'), this.#state.currency)?.[1] === 1;
  }

  #missing(warning: string, table: 'discount' | 'coupon' | 'price', id: string): Rational {
    this.#warnings.add(warning);
    this.#waits.add(`${table}|${this.#owner.book}|${id}`);
    return zero;
  }
}

function appliesTo({ products }: Discount, product: string): boolean {
  return !products || products.includes(product);
}
