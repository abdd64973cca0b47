import type { Invoice, Item } from '../entities.ts';
import { roundHalfUp, scale } from '../fractions.ts';
import { amountOf } from '../worth.ts';
import { writePlan, writePrice } from './price.ts';
import type { Json, Shape } from './shape.ts';
import { writeDiscount } from './subscription.ts';

/** An invoice with the first of its lines. */
export function writeInvoice(invoice: Invoice, shape: Shape): Json {
  const { id, subscription, state, created, subtotal, total, status } = invoice;
  const isPaid = status === 'paid';
  const lines = state.items.map((item, i) => writeLine(invoice, item, i, shape));
  const { customer } = subscription;
  return {
    id,
    object: 'invoice',
    account_country: 'US',
    account_name: 'Sandbox',
    amount_due: total,
    amount_paid: isPaid ? total : 0,
    amount_remaining: isPaid ? 0 : total,
    attempt_count: invoice.attempts,
    attempted: true,
    auto_advance: !isPaid && status === 'open',
    billing_reason: invoice.reason,
    collection_method: 'charge_automatically',
    created,
    currency: subscription.currency,
    customer: customer.id,
    customer_email: customer.state.email,
    ...(shape.isBeforeBasil && { discount: state.discounts[0] === undefined ? null : writeDiscount(state.discounts[0], shape) }),
    ...(shape.hasPrices && { discounts: state.discounts.map((discount) => discount.id) }),
    due_date: null,
    lines: {
      object: 'list',
      data: lines.slice(0, 10),
      has_more: lines.length > 10,
      total_count: lines.length,
      url: `/v1/invoices/${id}/lines`,
    },
    livemode: false,
    metadata: {},
    number: invoice.number,
    ...(shape.isBeforeBasil
      ? { paid: isPaid, subscription: subscription.id }
      : {
          parent: {
            quote_details: null,
            subscription_details: { metadata: {}, subscription: subscription.id },
            type: 'subscription_details',
          },
        }),
    period_end: created,
    period_start: created,
    starting_balance: 0,
    status,
    status_transitions: {
      finalized_at: created,
      marked_uncollectible_at: null,
      paid_at: isPaid ? created : null,
      voided_at: null,
    },
    subtotal,
    total,
  };
}

/** One line of an invoice: what an item cost for its period, before discounts. */
export function writeLine({ id, subscription, state }: Invoice, item: Item, place: number, shape: Shape): Json {
  const { price, quantity } = item;
  const amount = roundHalfUp(scale(amountOf(item, subscription.currency), [1n, 1n]));
  return {
    id: `il_${id.slice(3)}${place}`,
    object: 'line_item',
    amount: state.status === 'trialing' ? 0 : amount,
    currency: subscription.currency,
    description: `${price.product.name} (${price.nickname})`,
    discount_amounts: [],
    discountable: true,
    discounts: item.discounts.map((discount) => discount.id),
    invoice: id,
    livemode: false,
    metadata: {},
    ...(shape.isBeforeBasil
      ? {
          plan: writePlan(price, shape),
          ...(shape.hasPrices && { price: writePrice(price) }),
          proration: false,
          subscription: subscription.id,
          subscription_item: item.id,
          type: 'subscription',
        }
      : {
          parent: {
            invoice_item_details: null,
            subscription_item_details: {
              invoice_item: null,
              proration: false,
              proration_details: { credited_items: null },
              subscription: subscription.id,
              subscription_item: item.id,
            },
            type: 'subscription_item_details',
          },
          pricing: {
            price_details: { price: price.id, product: price.product.id },
            type: 'price_details',
            unit_amount_decimal: price.unit,
          },
        }),
    period: { end: state.periodEnd, start: state.periodStart },
    quantity,
    taxes: [],
  };
}
