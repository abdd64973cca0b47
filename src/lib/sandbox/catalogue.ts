import type { Coupon, Currency, Price, Product, TaxRate, Tier } from './entities.ts';
import { makeId } from './random.ts';

/** What a tenth of a dollar cent's unit is in each currency, so that 600 US cents are 900 yen: multiplied, and divided by 10. */
const rates: Readonly<Record<Currency, number>> = { usd: 10, eur: 9, gbp: 8, jpy: 15, kwd: 30 };
/** Every currency that the business sells in. */
export const currencies = Object.keys(rates) as Currency[];

interface PriceLine {
  readonly name: string;
  readonly product: string;
  readonly interval: Price['interval'];
  readonly count?: number;
  /** Hundredths of a US cent. */
  readonly unit?: number;
  readonly tiers?: readonly (readonly [upTo: number | null, flatCents: number | null, unitHundredths: number])[];
  readonly mode?: 'graduated' | 'volume';
  readonly packageOf?: number;
  readonly isMetered?: boolean;
  /** One price in US dollars that carries the other currencies inside. */
  readonly isShared?: boolean;
}

const products = ['Free', 'Essentials', 'Team', 'Agency', 'Channels', 'Posts', 'Analytics', 'Workspace', 'Approvals', 'Support'];
const networks = ['Instagram', 'Facebook', 'LinkedIn', 'Pinterest', 'TikTok', 'YouTube', 'Mastodon', 'Threads'];

const lines: readonly PriceLine[] = [
  { name: 'free', product: 'Free', interval: 'month', unit: 0 },
  { name: 'essentials weekly', product: 'Essentials', interval: 'week', unit: 17_500 },
  { name: 'essentials monthly', product: 'Essentials', interval: 'month', unit: 60_000 },
  { name: 'essentials yearly', product: 'Essentials', interval: 'year', unit: 600_000 },
  { name: 'essentials 10 days', product: 'Essentials', interval: 'day', count: 10, unit: 25_000 },
  { name: 'team fortnightly', product: 'Team', interval: 'week', count: 2, unit: 60_000 },
  { name: 'team monthly', product: 'Team', interval: 'month', unit: 120_000 },
  { name: 'team quarterly', product: 'Team', interval: 'month', count: 3, unit: 340_000 },
  { name: 'team yearly', product: 'Team', interval: 'year', unit: 1_190_000 },
  { name: 'team 2 years', product: 'Team', interval: 'year', count: 2, unit: 2_200_000 },
  { name: 'team monthly 2', product: 'Team', interval: 'month', unit: 140_000 },
  {
    name: 'agency monthly',
    product: 'Agency',
    interval: 'month',
    mode: 'graduated',
    tiers: [
      [10, 12_000, 0],
      [25, null, 100_000],
      [null, 2_000, 85_050],
    ],
  },
  {
    name: 'channels monthly',
    product: 'Channels',
    interval: 'month',
    mode: 'volume',
    tiers: [
      [5, null, 50_000],
      [20, 500, 37_550],
      [null, 1_000, 30_000],
    ],
  },
  { name: 'posts monthly', product: 'Posts', interval: 'month', unit: 50_000, packageOf: 100 },
  { name: 'analytics monthly', product: 'Analytics', interval: 'month', unit: 100_050 },
  { name: 'analytics yearly', product: 'Analytics', interval: 'year', unit: 999_900 },
  { name: 'workspace monthly', product: 'Workspace', interval: 'month', unit: 250_000, isShared: true },
  { name: 'approvals monthly', product: 'Approvals', interval: 'month', unit: 50 },
  { name: 'support monthly', product: 'Support', interval: 'month', unit: 330_000 },
  ...networks.map(
    (network): PriceLine => ({
      name: `usage ${network}`,
      product: 'Posts',
      interval: 'month',
      unit: 250,
      isMetered: true,
    }),
  ),
];

type CouponLine = Omit<Coupon, 'created' | 'redeemed' | 'isDeleted' | 'options' | 'products'> & {
  readonly product?: string;
  readonly isEverywhere?: boolean;
};

const couponLines: readonly CouponLine[] = [
  { id: 'LAUNCH20', name: '20% off for three months', percentOff: 20, duration: 'repeating', months: 3 },
  { id: 'FRIEND10', name: 'A friend of ours', percentOff: 10, duration: 'forever' },
  { id: 'NONPROFIT50', name: 'Non-profit', percentOff: 50, duration: 'forever' },
  { id: 'THIRD', name: 'A third off for half a year', percentOff: 33.3, duration: 'repeating', months: 6 },
  { id: 'WELCOME50', name: 'Half off the first invoice', percentOff: 50, duration: 'once' },
  { id: 'FIVEOFF', name: '$5 off', amountOff: 500, currency: 'usd', duration: 'forever', isEverywhere: true },
  {
    id: 'TENOFF',
    name: '$10 off for a year',
    amountOff: 1000,
    currency: 'usd',
    duration: 'repeating',
    months: 12,
    isEverywhere: true,
  },
  { id: 'THREEONCE', name: '$3 off once', amountOff: 300, currency: 'usd', duration: 'once' },
  { id: 'TEAM25', name: 'A quarter off Team', percentOff: 25, duration: 'forever', product: 'Team' },
  { id: 'TWOFREE', name: 'Two months free', percentOff: 100, duration: 'repeating', months: 2 },
  { id: 'OLD15', name: 'Old friends', percentOff: 15.5, duration: 'forever' },
];

/** All that the business sells, and by what name. */
export interface Catalogue {
  readonly products: readonly Product[];
  readonly prices: readonly Price[];
  readonly coupons: readonly Coupon[];
  readonly taxRates: readonly TaxRate[];
  /** The price of this name for a currency. */
  price(name: string, currency: Currency): Price;
}

/** The catalogue of a business that was made at this second. */
export function makeCatalogue(seed: number, created: number): Catalogue {
  const made = products.map((name, i): Product => ({ id: makeId('prod_', seed, i, 14), name, created: created + i }));
  const productOf = (name: string): Product => made[products.indexOf(name)]!;
  const prices = new Map<string, Price>();
  for (const line of lines) {
    for (const currency of line.isShared === true ? (['usd'] as const) : currencies) {
      const id = makeId('price_1', seed, prices.size, 23);
      const price = makePrice(line, id, productOf(line.product), currency, created + 100 + prices.size);
      prices.set(`${line.name} ${currency}`, price);
    }
  }
  const coupons = couponLines.map(({ product, isEverywhere, ...line }, i): Coupon => {
    const options = isEverywhere === true ? forCurrencies((currency) => (line.amountOff! * rates[currency]) / 10) : undefined;
    const only = product === undefined ? {} : { products: [productOf(product)] };
    return { ...line, ...only, ...(options && { options }), created: created + 1000 + i, redeemed: 0, isDeleted: false };
  });
  const taxRates = [
    { name: 'VAT', country: 'DE', percentage: 19, isInclusive: true },
    { name: 'VAT', country: 'GB', percentage: 20, isInclusive: true },
    { name: 'Sales tax', country: 'US', percentage: 8.25, isInclusive: false },
  ].map((rate, i): TaxRate => ({ ...rate, id: makeId('txr_1', seed, i, 23), created: created + 2000 + i }));
  return {
    products: made,
    prices: [...prices.values()],
    coupons,
    taxRates,
    price: (name, currency) => prices.get(`${name} ${currency}`) ?? prices.get(`${name} usd`)!,
  };
}

function makePrice(line: PriceLine, id: string, product: Product, currency: Currency, created: number): Price {
  const { name, interval, count = 1, unit, tiers, mode, packageOf, isMetered, isShared } = line;
  return {
    id,
    nickname: name,
    product,
    currency,
    interval,
    intervalCount: count,
    unit: unit === undefined ? null : unitIn(unit, currency),
    ...(tiers && { tiers: tiers.map((tier) => tierIn(tier, currency)), tiersMode: mode }),
    ...(packageOf && { packageOf }),
    ...(isMetered && { isMetered }),
    ...(isShared && { options: forCurrencies((other) => unitIn(unit!, other)) }),
    created,
    isActive: true,
  };
}

function tierIn([upTo, flat, unit]: readonly [number | null, number | null, number], currency: Currency): Tier {
  return { upTo, flat: flat === null ? null : (flat * rates[currency]) / 10, unit: unitIn(unit, currency) };
}

// Stripe keeps a decimal as it was given, zeros and all: two digits where there is a fraction.
function unitIn(hundredths: number, currency: Currency): string {
  const amount = Math.round((hundredths * rates[currency]) / 10);
  return amount % 100 === 0 ? String(amount / 100) : `${Math.floor(amount / 100)}.${String(amount % 100).padStart(2, '0')}`;
}

function forCurrencies<T>(amountIn: (currency: Currency) => T): Record<Currency, T> {
  return Object.fromEntries(currencies.map((currency) => [currency, amountIn(currency)])) as Record<Currency, T>;
}
