import { BadRecord } from './bad-record.ts';
import type { Sighting } from './customer-discounts.ts';
import type { Fact } from './facts.ts';
import type { Hash } from './json.ts';
import { hash, idOf, second, text } from './json.ts';
import { mergeBack } from './merge-back.ts';
import type { Rules } from './options.ts';
import type { Notes } from './payload.ts';
import { customerOf, objectOf, readCoupon, readDiscount, readPrice, readSubscription } from './payload.ts';
import { isTerminal } from './state.ts';
import type { News } from './subscription.ts';
import type { TermsTuple } from './terms.ts';

/** What every record has, whatever its type. */
export interface Envelope {
  readonly id: string;
  readonly type: string;
  readonly created: number;
  readonly account: string | null;
  readonly livemode: boolean;
}

/** What one record tells the ledger. */
export interface Told {
  readonly facts: Fact[];
  readonly subscription?: { id: string; news: News };
  readonly customer?: { id: string; sighting: Sighting };
}

/** A BadRecord says which of id, type and created is missing. Thin (v2) events write `created` as a date; they are not read further. */
export function readEnvelope(record: Hash): Envelope {
  const [id, type, made] = [text(record.id), text(record.type), record.created];
  if (id === '') throw new BadRecord('id is missing');
  if (type === '') throw new BadRecord('type is missing');
  const created = typeof made === 'string' ? second(Math.floor(Date.parse(made) / 1000)) : second(made);
  if (created === undefined) throw new BadRecord('created is missing or not a time');
  const livemode = record.livemode ?? hash(hash(record.data)?.object)?.livemode;
  return { id, type, created, account: text(record.account) || null, livemode: livemode !== false };
}

/** Reads a record of a type that matters here; undefined for all others, which pass unread. A BadRecord names what can't be read. */
export function readRecord(
  record: Hash,
  envelope: Envelope,
  rules: Rules,
  intern: (terms: TermsTuple) => number,
): Told | undefined {
  const { type, created } = envelope;
  const notes: Notes = { at: created, facts: [], intern };
  if (type.startsWith('customer.subscription.') || type === 'snapshot.subscription')
    return readSubscriptionRecord(record, envelope, rules, notes);
  if (type.startsWith('customer.discount.')) return readDiscountRecord(record, envelope, notes);
  if (type === 'snapshot.customer' || type === 'customer.created' || type === 'customer.updated')
    return readCustomerRecord(record, envelope, notes);
  if (type.startsWith('coupon.') || type === 'snapshot.coupon') readCoupon(objectOf(record), notes);
  else if (type.startsWith('price.') || type.startsWith('plan.') || type === 'snapshot.price') readPrice(objectOf(record), notes);
  else return undefined;
  return { facts: notes.facts };
}

function readSubscriptionRecord(record: Hash, { id, type, created: at }: Envelope, rules: Rules, notes: Notes): Told {
  const object = objectOf(record);
  const state = readSubscription(object, notes);
  if (state[0] === '') throw new BadRecord('data.object.status is missing');
  if (customerOf(object) === '') throw new BadRecord('data.object.customer is missing');
  if (type === 'customer.subscription.deleted' && !isTerminal(state[0])) state[0] = 'canceled';
  const kind = type === 'customer.subscription.created' ? 'created' : type === 'snapshot.subscription' ? 'snapshot' : 'event';
  const created = second(object.created) ?? 0;
  // Until 2019 `start` said when the plan began, so only at its creation is it the subscription's.
  const startDate = second(object.start_date) ?? (kind === 'created' ? second(object.start) : undefined) ?? 0;
  const changed = kind === 'event' ? hash(hash(record.data)?.previous_attributes) : undefined;
  const merged = changed && mergeBack(object, changed, text(record.api_version));
  // What the past said of discounts ranks below what the same record says of them now.
  const before = changed && (merged ? readSubscription(merged, { ...notes, at: at - 1 }) : state);
  // A change while paused is no pausing.
  const place = before?.[0] === 'paused' && state[0] === 'paused' ? at : placeOf(object, state[0], kind, startDate, at, rules);
  const news: News = { at: place, kind, state, before, id, customer: customerOf(object), created, startDate };
  return { facts: notes.facts, subscription: { id: text(object.id), news } };
}

// The second at which the state began, where the payload knows it better than the event.
function placeOf(object: Hash, status: string, kind: News['kind'], startDate: number, at: number, rules: Rules): number {
  if (isTerminal(status)) return second(object.ended_at) ?? at;
  if (status === 'paused') return second(hash(hash(object.status_details)?.paused)?.transitioned_at) ?? at;
  if (kind !== 'created') return at;
  return rules.backdate === 'start_date' && startDate > 0 ? startDate : (second(object.created) ?? at);
}

function readDiscountRecord(record: Hash, { id, type, created }: Envelope, notes: Notes): Told {
  const discount = objectOf(record);
  const isGone = type === 'customer.discount.deleted';
  const customer = customerOf(discount);
  // A deleted discount has lost its end: any other record knows it better.
  const key = readDiscount(discount, customer, notes, isGone ? 0 : created);
  const isCustomers = ['subscription', 'subscription_item', 'invoice', 'invoice_item', 'checkout_session'].every(
    (of) => idOf(discount[of]) === '',
  );
  if (!isCustomers || customer === '') return { facts: notes.facts };
  return { facts: notes.facts, customer: { id: customer, sighting: [created, isGone ? 'gone' : 'has', key, 'event', id] } };
}

function readCustomerRecord(record: Hash, { id, type, created }: Envelope, notes: Notes): Told | undefined {
  const customer = objectOf(record);
  if (customer.discount === undefined) return undefined;
  const discount = hash(customer.discount);
  const key = discount ? readDiscount(discount, text(customer.id), notes) : '';
  const from = type === 'snapshot.customer' ? 'snapshot' : 'event';
  return {
    facts: notes.facts,
    customer: { id: text(customer.id), sighting: [created, discount ? 'has' : 'none', key, from, id] },
  };
}
