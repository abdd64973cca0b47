import { Account } from '../account.ts';
import { addMonths } from '../calendar.ts';
import { writeCoupon, writePlan, writePrice, writeProduct, writeTiers } from '../payloads/price.ts';
import { Random } from '../random.ts';
import { CustomerStory } from './customer.ts';

/** What a story is told from: with these alone it is the same each time. */
export interface StoryOptions {
  readonly seed: number;
  /** How many customers have come by the time the sandbox opens. */
  readonly customers: number;
  /** How many months the business has been going then. */
  readonly months: number;
  /** The second at which the sandbox opens. */
  readonly opens: number;
}

// Customers come faster as the business grows: the n-th of N after this power of n/N of its time.
const growth = 0.65;

/** An account whose story has been told up to its opening and goes on when asked: the same for the same options. */
export function tellStory({ seed, customers, months, opens }: StoryOptions): Account {
  const account = new Account(seed, addMonths(opens, -months), opens);
  tellCatalogue(account);
  const { begun } = account;
  const spanS = opens - begun;
  // Beyond the opening they go on coming as fast as they did then.
  const arrivalOf = (share: number): number =>
    Math.round(begun + spanS * (share < 1 ? share ** growth : 1 + growth * (share - 1)));
  const expect = (number: number): void => {
    const random = new Random(seed, 'customer', number);
    const at = arrivalOf((number + random.next()) / customers);
    account.plan(at, () => {
      new CustomerStory(account, number, random).begin();
      expect(number + 1);
    });
  };
  if (customers > 0) expect(0);
  account.tellUntil(opens);
  return account;
}

function tellCatalogue(account: Account): void {
  const { products, prices, coupons } = account.catalogue;
  for (const product of products)
    account.plan(product.created, () => account.tell('request', 'product.created', () => writeProduct(product)));
  for (const price of prices) {
    account.plan(price.created, () => {
      account.tell('request', 'plan.created', (shape) => writePlan(price, shape));
      account.tell('request', 'price.created', (shape) => ({
        ...writePrice(price),
        ...(!shape.hasPrices && price.tiers !== undefined && { tiers: writeTiers(price) }),
      }));
    });
  }
  for (const coupon of coupons)
    account.plan(coupon.created, () => account.tell('request', 'coupon.created', (shape) => writeCoupon(coupon, shape)));
  const middle = Math.round((account.begun + account.opens) / 2);
  account.plan(middle, () => deleteCoupon(account));
  account.plan(middle + 1, () => raisePrice(account));
}

// It can be given no more; those who have it keep it.
function deleteCoupon(account: Account): void {
  const coupon = account.catalogue.coupons.find(({ id }) => id === 'OLD15')!;
  coupon.isDeleted = true;
  account.tell('request', 'coupon.deleted', (shape) => writeCoupon(coupon, shape));
}

// The old price is archived; those who pay it stay on it until they change something.
function raisePrice(account: Account): void {
  for (const price of account.catalogue.prices.filter(({ nickname }) => nickname === 'team monthly')) {
    price.isActive = false;
    account.tell(
      'request',
      'price.updated',
      () => writePrice(price),
      () => ({ ...writePrice(price), active: true }),
    );
  }
}
