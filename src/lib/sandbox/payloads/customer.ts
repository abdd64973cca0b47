import type { Customer, CustomerState } from '../entities.ts';
import type { Json, Shape } from './shape.ts';
import { writeDiscount } from './subscription.ts';

/** A customer as it stood in this state, in the shape of one version. */
export function writeCustomer({ id, number, country, currency, created }: Customer, state: CustomerState, shape: Shape): Json {
  return {
    id,
    object: 'customer',
    address: { city: null, country, line1: null, line2: null, postal_code: null, state: null },
    [shape.hasStart ? 'account_balance' : 'balance']: 0,
    created,
    currency,
    default_source: null,
    delinquent: false,
    description: null,
    discount: state.discount && writeDiscount(state.discount, shape),
    email: state.email,
    invoice_prefix: prefixOf(number),
    invoice_settings: { custom_fields: null, default_payment_method: null, footer: null, rendering_options: null },
    livemode: false,
    metadata: {},
    name: state.name,
    phone: null,
    preferred_locales: ['en'],
    shipping: null,
    tax_exempt: 'none',
    test_clock: null,
  };
}

/** What the numbers of a customer's invoices begin with. */
export function prefixOf(number: number): string {
  return (0x1000_0000 + number * 7919).toString(16).toUpperCase();
}
