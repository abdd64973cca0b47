import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { archiveOf } from '../../src/lib/sandbox/archive.ts';
import type { StoryOptions } from '../../src/lib/sandbox/story/tell.ts';
import { type Json, opens, story } from './support.ts';

const account = story();
const events = [...archiveOf(account)] as Json[];
const ofType = (type: string): Json[] => events.filter((event) => event.type === type);

function digest(given: Partial<StoryOptions>): string {
  const hash = createHash('sha256');
  for (const event of archiveOf(story({ customers: 40, months: 6, ...given }))) hash.update(JSON.stringify(event));
  return hash.digest('hex');
}

describe('a story', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(digest({})).toBe(digest({}));
    expect(digest({ seed: 43 })).not.toBe(digest({}));
  });

  it('has the same customers and subscriptions however many follow them', () => {
    const ids = (customers: number): string[] => story({ customers, months: 3 }).subscriptions.map(({ id }) => id);
    const many = new Set(ids(60));
    expect(ids(30).filter((id) => !many.has(id)).length).toBeLessThan(5);
    expect(
      story({ customers: 60, months: 3 })
        .customers.slice(0, 30)
        .map(({ id }) => id),
    ).toEqual(story({ customers: 30, months: 3 }).customers.map(({ id }) => id));
  });

  it('goes on beyond the opening as if it had been told at once', () => {
    const [at, later] = [story({ customers: 40 }), story({ customers: 40 })];
    later.tellUntil(opens + 40 * 86_400);
    for (let second = opens; second <= opens + 40 * 86_400; second += 54_321) at.tellUntil(second);
    at.tellUntil(opens + 40 * 86_400);
    expect(at.events.length).toBeGreaterThan(account.events.length / 20);
    expect([...archiveOf(at)]).toEqual([...archiveOf(later)]);
    expect(at.customers.length).toBeGreaterThan(40);
  });

  it('is quiet in the hour before and after the opening', () => {
    const live = story();
    live.tellUntil(opens + 20 * 86_400);
    const near = live.events.filter(({ created }) => Math.abs(created - opens) < 3600);
    expect(near).toEqual([]);
    expect(live.events.some(({ created }) => created > opens)).toBe(true);
  });

  it('has all that a business can meet', () => {
    const statuses = new Set(events.map(({ data }) => data.object.status));
    for (const status of ['incomplete', 'incomplete_expired', 'trialing', 'active', 'past_due', 'unpaid', 'paused', 'canceled'])
      expect(statuses).toContain(status);
    for (const what of ['created', 'updated', 'deleted', 'paused', 'resumed', 'trial_will_end'])
      expect(ofType(`customer.subscription.${what}`).length).toBeGreaterThan(0);
    for (const what of ['created', 'deleted']) expect(ofType(`customer.discount.${what}`).length).toBeGreaterThan(0);
    for (const type of ['customer.deleted', 'coupon.deleted', 'price.updated', 'invoice.payment_failed'])
      expect(ofType(type).length).toBeGreaterThan(0);
    const subscriptions = account.subscriptions;
    expect(new Set(subscriptions.map(({ currency }) => currency)).size).toBe(5);
    const items = subscriptions.flatMap(({ state }) => state.items);
    expect(new Set(items.map(({ price }) => price.interval))).toEqual(new Set(['day', 'week', 'month', 'year']));
    expect(new Set(items.map(({ price }) => price.tiersMode))).toEqual(new Set(['graduated', 'volume', undefined]));
    for (const has of ['packageOf', 'isMetered', 'options'] as const) expect(items.some(({ price }) => price[has])).toBe(true);
    expect(subscriptions.some(({ state }) => state.items.length > 10)).toBe(true);
    expect(subscriptions.some(({ state }) => state.pauseCollection !== null)).toBe(true);
    expect(subscriptions.some(({ state }) => state.cancelsAtPeriodEnd && state.endedAt === null)).toBe(true);
    expect(subscriptions.some(({ state }) => state.taxRates.some(({ isInclusive }) => isInclusive))).toBe(true);
    const discounts = [...account.discounts.values()];
    expect(new Set(discounts.map(({ coupon }) => coupon.duration))).toEqual(new Set(['forever', 'repeating', 'once']));
    expect(new Set(discounts.map(({ coupon }) => coupon.amountOff !== undefined)).size).toBe(2);
    expect(discounts.some(({ coupon }) => coupon.products !== undefined)).toBe(true);
    expect(discounts.some(({ item }) => item !== null)).toBe(true);
    expect(discounts.some(({ subscription }) => subscription === null)).toBe(true);
    const back = account.customers.filter(({ subscriptions: [first, second] }) => second && first!.state.endedAt !== null);
    expect(back.length).toBeGreaterThan(3);
  });
});

describe('its events', () => {
  it('come in the order of time, each with an id of its own', () => {
    expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
    expect(events.every(({ created }, i) => i === 0 || created >= events[i - 1]!.created)).toBe(true);
  });

  it('come several in one second', () => {
    const seconds = new Map<string, string[]>();
    for (const { type, created, data } of events) {
      if (!type.startsWith('customer.subscription.')) continue;
      const key = `${data.object.id} ${created}`;
      seconds.set(key, [...(seconds.get(key) ?? []), type.slice('customer.subscription.'.length)]);
    }
    const ties = new Set([...seconds.values()].filter((types) => types.length > 1).map((types) => types.join(' ')));
    expect([...ties]).toEqual(
      expect.arrayContaining(['created updated', 'updated paused', 'updated resumed', 'updated trial_will_end']),
    );
  });

  it('have previous_attributes only where something was updated, and those really differ', () => {
    for (const { type, data } of events) {
      expect('previous_attributes' in data).toBe(/\.updated$/.test(type));
      for (const [key, value] of Object.entries(data.previous_attributes ?? {}))
        expect(JSON.stringify(value)).not.toBe(JSON.stringify(data.object[key]));
    }
  });

  it('say who asked for them, nobody where Stripe acted by itself', () => {
    const renewal = ofType('customer.subscription.updated').find(({ data }) => data.previous_attributes.latest_invoice)!;
    expect(renewal.api_version.startsWith('2016') ? renewal.request : renewal.request.id).toBeNull();
    expect(ofType('customer.created').at(-1)!.request.id).toMatch(/^req_/);
  });

  it('are written in the version of their time', () => {
    const first = (from: string, test: (object: Json) => boolean = () => true): Json =>
      events.find(
        ({ api_version, type, data }) =>
          api_version.startsWith(from) && type === 'customer.subscription.created' && test(data.object),
      )!.data.object;
    const discounted = ({ discount, discounts }: Json): boolean => Boolean(discount) || discounts?.length > 0;
    expect(first('2016')).toMatchObject({
      plan: { name: expect.any(String) },
      quantity: expect.any(Number),
      start: expect.any(Number),
    });
    expect(first('2016')).not.toHaveProperty('items');
    expect(first('2018').items.data[0]).not.toHaveProperty('price');
    expect(first('2018', discounted).discount).toMatchObject({ coupon: { object: 'coupon' }, start: expect.any(Number) });
    expect(first('2020', discounted).discount.id).toBe(first('2020', discounted).discounts[0]);
    expect(first('2024')).toHaveProperty('current_period_end');
    const basil = first('2025-03-31');
    expect(basil).not.toHaveProperty('current_period_end');
    expect(basil).not.toHaveProperty('discount');
    expect(basil.items.data[0]).toHaveProperty('current_period_end');
    const { data } = events.findLast(({ type }) => type === 'customer.discount.created')!;
    expect(data.object.source).toEqual({ type: 'coupon', coupon: expect.any(String) });
    expect(new Set(events.map(({ api_version }) => api_version)).size).toBe(10);
  });

  it('keep the zeros of decimals, as Stripe does', () => {
    expect(events.map((event) => JSON.stringify(event)).join('\n')).toContain('"unit_amount_decimal":"1000.50"');
  });
});
