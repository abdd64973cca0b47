import { describe, expect, it } from 'vitest';
import type { Movement } from '../../src/lib/mrr/ledger.ts';
import type { GoldenCase } from './replay.ts';
import { applied, cases, cut, inBatches, optionsOf, seeded, shuffled, sorted, told } from './replay.ts';

const compared = [
  'account',
  'livemode',
  'customer',
  'subscription',
  'currency',
  'occurred_at',
  'type',
  'subscription_type',
  'amount',
  'mrr_before',
  'mrr_after',
  'reason',
  'estimated',
] as const;

function shown(movement: Omit<Movement, 'revision'>, like: Record<string, unknown> | undefined): Record<string, unknown> {
  const row: Record<string, unknown> = Object.fromEntries(compared.map((name) => [name, movement[name]]));
  if (like?.items) row.items = Object.fromEntries(movement.items.map((item) => [item.item, item.mrr_after]));
  return row;
}

function check(golden: GoldenCase, movements: Omit<Movement, 'revision'>[]): void {
  const expected = golden.expected.movements.map((movement) => ({ account: null, livemode: true, ...movement }));
  expect(movements.map((movement, i) => shown(movement, golden.expected.movements[i]))).toEqual(expected);
}

describe.each(cases)('$name', (golden) => {
  const options = optionsOf(golden);

  it('gives the expected movements, warnings, sums and months', () => {
    const ledger = told(golden.input, options);
    check(golden, ledger.movements());
    expect([...ledger.warnings().keys()]).toEqual(golden.expected.warnings);
    const closing: Record<string, number> = {};
    for (const { currency, amount } of ledger.movements()) closing[currency] = (closing[currency] ?? 0) + amount;
    expect(closing).toEqual(golden.expected.closing_mrr);
    for (const [i, month] of (golden.expected.months ?? []).entries()) expect(ledger.months()[i]).toMatchObject(month);
    if (golden.expected.months) expect(ledger.months()).toHaveLength(golden.expected.months.length);
  });

  it('gives the same ledger from a shuffled, repeated input in batches, resumed or not', () => {
    const random = seeded(20261124);
    const expected = sorted(told(golden.input, options).movements());
    const warnings = [...told(golden.input, options).warnings()];
    for (let round = 0; round < 12; round++) {
      const records = shuffled([...golden.input, ...golden.input.filter(() => random() < 0.5)], random);
      const batches = cut(records, 5, random);
      const plain = inBatches(batches, options, false);
      const resumed = inBatches(batches, options, true);
      expect(resumed.lines).toEqual(plain.lines);
      expect(applied(plain.lines)).toEqual(expected);
      expect(sorted(plain.ledger.movements())).toEqual(expected);
      expect([...plain.ledger.warnings()]).toEqual(warnings);
      expect([...resumed.ledger.warnings()]).toEqual(warnings);
    }
  });

  it('emits nothing when it is told the same again', () => {
    const ledger = told(golden.input, options);
    for (const record of golden.input) ledger.add(record);
    expect(ledger.flush()).toEqual([]);
  });

  if (golden.batches) {
    it('emits in each batch only what has changed', () => {
      const { inputs, emitted } = golden.batches!;
      const ledger = told([], options);
      const written = inputs.map((places) => {
        for (const place of places) ledger.add(golden.input[place]!);
        return ledger.flush().map(({ op, occurred_at, amount }) => ({ op, occurred_at, amount }));
      });
      expect(written).toEqual(emitted);
    });
  }
});
