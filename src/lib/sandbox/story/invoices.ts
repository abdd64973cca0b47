import type { Account } from '../account.ts';
import type { Invoice, Subscription, SubscriptionState } from '../entities.ts';
import { add, fraction, least, nought, roundHalfUp, scale, take } from '../fractions.ts';
import { prefixOf } from '../payloads/customer.ts';
import { writeInvoice } from '../payloads/invoice.ts';
import { amountOf } from '../worth.ts';

/** A new invoice for what the subscription is in this state, paid; whoever knows better says so. */
export function makeInvoice(
  account: Account,
  subscription: Subscription,
  state: SubscriptionState,
  reason: Invoice['reason'],
): Invoice {
  const { customer, currency } = subscription;
  const isFree = state.status === 'trialing';
  const gross = state.items.reduce((sum, item) => add(sum, amountOf(item, currency)), nought);
  const net = state.discounts.reduce((sum, { coupon }) => {
    if (coupon.percentOff !== undefined) return take(sum, scale(sum, scale(fraction(coupon.percentOff), [1n, 100n])));
    return take(sum, least(sum, [BigInt(coupon.options?.[currency] ?? coupon.amountOff!), 1n]));
  }, gross);
  const invoice: Invoice = {
    id: account.newInvoiceId(),
    subscription,
    state,
    created: account.now,
    number: `${prefixOf(customer.number)}-${String(account.invoices.length + 1).padStart(6, '0')}`,
    reason,
    subtotal: isFree ? 0 : roundHalfUp(gross),
    total: isFree ? 0 : roundHalfUp(net),
    status: 'paid',
    attempts: 1,
  };
  account.invoices.push(invoice);
  return invoice;
}

/** An event of Stripe's own about an invoice as it is now. */
export function tellInvoice(account: Account, invoice: Invoice, type: 'invoice.paid' | 'invoice.payment_failed'): void {
  const now = { ...invoice };
  account.tell('clock', type, (shape) => writeInvoice(now, shape));
}
