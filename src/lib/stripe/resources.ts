/** One list of the API that can be crawled by `created`. */
export interface Resource {
  /** As it is typed, and its path behind /v1/. */
  name: string;
  /** Read access to what, in the words of Stripe's dashboard. */
  permission: string;
  /** Parameters without which something is left out. */
  query?: Readonly<Record<string, string>>;
  /** What would otherwise be ids or missing: four levels at most, the list's own `data` counted. */
  expand?: readonly string[];
  /** Lists inside an object, which come with ten entries at most, and where the whole of them is. */
  nested?: Readonly<Record<string, string>>;
  /** The list can only be asked for one parent at a time: the parents are crawled, and each is asked for its children. */
  parent?: { name: string; parameter: string };
  /** The API version in which the list appeared, where an older one does not know it. */
  since?: string;
  /** Listed by --backfill where nothing else is named: what MRR hangs on. */
  isBackfilled?: true;
}

/**
 * Every list with a `created` filter. Source: the package's types, version 2026-10-28.endive; depth of expansions: docs.stripe.com/expand.
 * Subscriptions leave out the canceled ones unless `status=all`. Terms come before what refers to them.
 */
const table: readonly Resource[] = [
  { name: 'events', permission: 'Events' },
  { name: 'products', permission: 'Products', isBackfilled: true },
  { name: 'prices', permission: 'Prices', expand: ['data.tiers', 'data.currency_options'], isBackfilled: true },
  { name: 'plans', permission: 'Plans', expand: ['data.tiers'] },
  { name: 'coupons', permission: 'Coupons', expand: ['data.applies_to', 'data.currency_options'], isBackfilled: true },
  { name: 'promotion_codes', permission: 'Promotion Codes' },
  { name: 'tax_rates', permission: 'Tax Rates' },
  { name: 'shipping_rates', permission: 'Shipping Rates', expand: ['data.fixed_amount.currency_options'] },
  { name: 'product_catalog/trial_offers', permission: 'Products', since: '2026-09-30.endive' },
  { name: 'customers', permission: 'Customers', expand: ['data.discount.source.coupon'], isBackfilled: true },
  {
    name: 'subscriptions',
    permission: 'Subscriptions',
    query: { status: 'all' },
    // An item's own discounts come with the id of their coupon: one level more would be the fifth.
    expand: ['data.discounts.source.coupon', 'data.items.data.discounts'],
    nested: { items: '/v1/subscription_items?subscription={id}&expand[]=data.discounts' },
    isBackfilled: true,
  },
  { name: 'subscription_schedules', permission: 'Subscriptions' },
  {
    name: 'invoices',
    permission: 'Invoices',
    expand: ['data.discounts.source.coupon'],
    nested: { lines: '/v1/invoices/{id}/lines' },
  },
  { name: 'invoiceitems', permission: 'Invoices' },
  { name: 'invoice_payments', permission: 'Invoices', since: '2025-03-31.basil' },
  { name: 'credit_notes', permission: 'Credit Notes', nested: { lines: '/v1/credit_notes/{id}/lines' } },
  { name: 'charges', permission: 'Charges', expand: ['data.refunds'], nested: { refunds: '/v1/charges/{id}/refunds' } },
  { name: 'refunds', permission: 'Charges' },
  { name: 'disputes', permission: 'Disputes' },
  { name: 'payment_intents', permission: 'PaymentIntents' },
  { name: 'setup_intents', permission: 'SetupIntents' },
  { name: 'setup_attempts', permission: 'SetupIntents', parent: { name: 'setup_intents', parameter: 'setup_intent' } },
  {
    name: 'checkout/sessions',
    permission: 'Checkout Sessions',
    expand: ['data.line_items'],
    nested: { line_items: '/v1/checkout/sessions/{id}/line_items' },
  },
  { name: 'balance_transactions', permission: 'Balance transaction sources' },
  { name: 'payouts', permission: 'Payouts' },
  { name: 'transfers', permission: 'Transfers', nested: { reversals: '/v1/transfers/{id}/reversals' } },
  { name: 'topups', permission: 'Top-ups' },
  { name: 'application_fees', permission: 'Application Fees', nested: { refunds: '/v1/application_fees/{id}/refunds' } },
  { name: 'accounts', permission: 'Accounts (Connect)', nested: { external_accounts: '/v1/accounts/{id}/external_accounts' } },
  { name: 'files', permission: 'Files', nested: { links: '/v1/file_links?file={id}' } },
  { name: 'file_links', permission: 'Files' },
  { name: 'reviews', permission: 'Radar' },
  { name: 'radar/early_fraud_warnings', permission: 'Radar' },
  {
    name: 'radar/value_lists',
    permission: 'Radar',
    nested: { list_items: '/v1/radar/value_list_items?value_list={id}' },
  },
  { name: 'issuing/authorizations', permission: 'Issuing Authorizations' },
  { name: 'issuing/cardholders', permission: 'Issuing Cardholders' },
  { name: 'issuing/cards', permission: 'Issuing Cards' },
  { name: 'issuing/disputes', permission: 'Issuing Disputes' },
  { name: 'issuing/tokens', permission: 'Issuing Tokens' },
  { name: 'issuing/transactions', permission: 'Issuing Transactions' },
  { name: 'treasury/financial_accounts', permission: 'Treasury' },
  {
    name: 'treasury/transactions',
    permission: 'Treasury',
    parent: { name: 'treasury/financial_accounts', parameter: 'financial_account' },
  },
  {
    name: 'treasury/transaction_entries',
    permission: 'Treasury',
    parent: { name: 'treasury/financial_accounts', parameter: 'financial_account' },
  },
  { name: 'reporting/report_runs', permission: 'Reports' },
];

const byName = new Map(table.map((resource) => [resource.name, resource]));

/** The lists that can be named, in the order in which they are crawled. */
export const resourceNames: readonly string[] = table.map(({ name }) => name);

/** The list of this name. It must be one of `resourceNames`. */
export function resourceOf(name: string): Resource {
  const resource = byName.get(name);
  if (resource === undefined) throw new Error(`no list ${name}`);
  return resource;
}

/** What --backfill lists where nothing is named. */
export const backfilledNames: readonly string[] = table.filter(({ isBackfilled }) => isBackfilled).map(({ name }) => name);

/** The list whose objects have this name (`subscription`), if lists inside them may be cut. */
export function nestedOf(object: string): Resource | undefined {
  const resource = byName.get(`${object}s`);
  return resource?.nested === undefined ? undefined : resource;
}
