import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Ledger, Movement, MrrOptions } from '../../src/lib/mrr/ledger.ts';
import { applied, cut, inBatches, seeded, shuffled, sorted, told } from './replay.ts';
import { options, Story, truthOf, turns } from './story.ts';

const dayS = 86_400;
const runs = { seed: 20261124, numRuns: 200 };
const seed = fc.nat(1_000_000);

function groupBy<T>(values: readonly T[], key: (value: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const value of values) groups.set(key(value), [...(groups.get(key(value)) ?? []), value]);
  return [...groups.values()];
}

const bookOf = ({ account, livemode }: Movement): string => `${account} ${livemode}`;

function checkInvariants(ledger: Ledger, coalesceS: number): void {
  const movements = ledger.movements();
  for (const one of movements) {
    expect(Number.isInteger(one.amount) && one.amount !== 0 && one.mrr_after >= 0).toBe(true);
    expect(one.amount).toBe(one.mrr_after - one.mrr_before);
    expect(one.items.reduce((sum, item) => sum + item.mrr_before, 0)).toBe(one.mrr_before);
    expect(one.items.reduce((sum, item) => sum + item.mrr_after, 0)).toBe(one.mrr_after);
    expect(one.customer_mrr_after - one.customer_mrr_before).toBe(one.amount);
    expect(one.event_id === null).toBe(one.source === 'clock' || one.source === 'estimate');
    expect(one.estimated).toBe(one.source === 'estimate');
  }
  for (const chain of groupBy(movements, (one) => `${bookOf(one)} ${one.subscription} ${one.currency}`)) {
    chain.forEach((one, i) => expect(one.mrr_before).toBe(chain[i - 1]?.mrr_after ?? 0));
  }
  for (const chain of groupBy(movements, (one) => `${bookOf(one)} ${one.customer} ${one.currency}`)) {
    chain.forEach((one, i) => expect(one.customer_mrr_before).toBe(chain[i - 1]?.customer_mrr_after ?? 0));
  }
  if (coalesceS === 0) for (const customer of groupBy(movements, (one) => `${bookOf(one)} ${one.customer}`)) checkTypes(customer);
  checkMonths(ledger, movements);
}

function checkTypes(customer: Movement[]): void {
  let sum = 0;
  const turns: string[] = [];
  for (const group of groupBy(customer, (one) => String(one.occurred_at))) {
    const before = sum;
    sum += group.reduce((all, { amount }) => all + amount, 0);
    const types = new Set(group.map(({ type }) => type));
    if (before === 0) expect([...types]).toEqual([turns.length === 0 ? 'new' : 'reactivation']);
    else if (sum === 0) expect([...types]).toEqual(['churn']);
    else for (const { type, amount } of group) expect(type).toBe(amount > 0 ? 'expansion' : 'contraction');
    for (const type of types) if (type === 'new' || type === 'churn' || type === 'reactivation') turns.push(type);
  }
  turns.forEach((type, i) => expect(type).toBe(i === 0 ? 'new' : i % 2 ? 'churn' : 'reactivation'));
}

function checkMonths(ledger: Ledger, movements: Movement[]): void {
  const rows = ledger.months();
  for (const chain of groupBy(rows, (row) => `${row.account} ${row.livemode} ${row.currency}`)) {
    chain.forEach((row, i) => {
      expect(row.opening).toBe(chain[i - 1]?.closing ?? 0);
      expect(row.opening + row.new + row.expansion + row.contraction + row.churn + row.reactivation).toBe(row.closing);
    });
    const own = movements.filter(
      (one) => one.account === chain[0]!.account && one.livemode === chain[0]!.livemode && one.currency === chain[0]!.currency,
    );
    expect(chain.at(-1)!.closing).toBe(own.reduce((sum, { amount }) => sum + amount, 0));
    const last = groupBy(own, (one) => one.customer).map((moves) => moves.at(-1)!.customer_mrr_after);
    expect(chain.at(-1)!.customers).toBe(last.filter((value) => value > 0).length);
  }
  for (const by of ['plan', 'interval', 'customer'] as const) {
    const sums = new Map<string, number>();
    for (const row of ledger.months(by)) {
      const key = [row.account, row.livemode, row.month, row.currency].join(' ');
      sums.set(key, (sums.get(key) ?? 0) + row.closing);
      expect(row.closing).toBeGreaterThanOrEqual(0);
    }
    for (const row of rows)
      expect(sums.get([row.account, row.livemode, row.month, row.currency].join(' ')) ?? 0).toBe(row.closing);
  }
}

describe('a story told in full', () => {
  it('has the MRR that it had, whenever that changed, and no gaps', () => {
    fc.assert(
      fc.property(turns(40 * dayS), options, (script, given) => {
        const story = new Story(script);
        const ledger = told(story.records, given);
        const asOf = Math.max(...story.records.map((record) => record.created as number));
        const movements = ledger.movements();
        for (const one of story.subscriptions) {
          const own = movements.filter(
            (move) => move.account === one.account && move.livemode === one.livemode && move.subscription === one.object.id,
          );
          expect(own.map(({ occurred_at, mrr_after }) => [occurred_at, mrr_after])).toEqual(truthOf(story, one, given, asOf));
        }
        expect(movements.filter(({ estimated }) => estimated)).toEqual([]);
        expect([...ledger.warnings()]).toEqual([]);
        checkInvariants(ledger, given.coalesceS ?? 0);
      }),
      runs,
    );
  });

  it('is the same ledger in any order, repeated, in batches, over years, resumed anywhere', () => {
    fc.assert(
      fc.property(turns(40 * dayS), options, seed, (script, given, number) => {
        const { records } = new Story(script);
        checkBatches(records, records, given, number);
      }),
      runs,
    );
  });
});

describe('a story told in part', () => {
  it('keeps the invariants', () => {
    fc.assert(
      fc.property(turns(40 * dayS), options, seed, (script, given, number) => {
        const ledger = told(some(new Story(script).records, number), given);
        checkInvariants(ledger, given.coalesceS ?? 0);
      }),
      runs,
    );
  });

  it('is the same ledger in any order, repeated, in batches, resumed anywhere, while no record is later than 30 days', () => {
    fc.assert(
      fc.property(turns(2 * dayS), options, seed, (script, given, number) => {
        const all = some(new Story(script).records, number);
        const begin = Math.min(...all.map((record) => record.created as number));
        const records = all.filter((record) => (record.created as number) < begin + 30 * dayS);
        checkBatches(records, records, given, number);
      }),
      runs,
    );
  });

  it('needs no record twice: those that older runs dropped change nothing', () => {
    fc.assert(
      fc.property(turns(40 * dayS), options, seed, (script, given, number) => {
        const records = some(new Story(script).records, number);
        const expected = sorted(told(records, given).movements());
        const { ledger, lines } = inBatches(cut(records, 6, seeded(number)), given, true);
        expect(applied(lines)).toEqual(expected);
        for (const record of shuffled(records, seeded(number))) ledger.add(record);
        expect(ledger.flush()).toEqual([]);
      }),
      runs,
    );
  });
});

function some<T>(values: readonly T[], number: number): T[] {
  const random = seeded(number);
  return values.filter(() => random() < 0.7).concat(values.slice(-1));
}

function checkBatches(records: readonly object[], all: readonly object[], given: Partial<MrrOptions>, number: number): void {
  const random = seeded(number);
  const whole = told(all, given);
  const expected = sorted(whole.movements());
  const batches = cut(shuffled([...records, ...records.filter(() => random() < 0.3)], random), 6, random);
  const plain = inBatches(batches, given, false);
  const resumed = inBatches(batches, given, true);
  expect(resumed.lines).toEqual(plain.lines);
  expect(applied(plain.lines)).toEqual(expected);
  expect(sorted(plain.ledger.movements())).toEqual(expected);
  expect([...plain.ledger.warnings()]).toEqual([...whole.warnings()]);
  expect([...resumed.ledger.warnings()]).toEqual([...whole.warnings()]);
}
