import { readFileSync } from 'node:fs';
import type { Movement, MrrOptions } from '../../src/lib/mrr/ledger.ts';
import { Ledger } from '../../src/lib/mrr/ledger.ts';

export interface GoldenCase {
  name: string;
  options: Record<string, unknown>;
  input: Record<string, unknown>[];
  expected: {
    movements: Record<string, unknown>[];
    closing_mrr: Record<string, number>;
    warnings: string[];
    months?: Record<string, unknown>[];
  };
  batches?: { inputs: number[][]; emitted: Record<string, unknown>[][] };
}

export const cases = (JSON.parse(readFileSync(new URL('./mrr-cases.json', import.meta.url), 'utf8')) as { cases: GoldenCase[] })
  .cases;

const names: Record<string, keyof MrrOptions> = {
  day_factor: 'dayFactor',
  week_factor: 'weekFactor',
  discounts: 'discounts',
  churn_at: 'churnAt',
  pause_collection: 'pauseCollection',
  backdate: 'backdate',
  coalesce: 'coalesceS',
  reactivation_window: 'reactivationWindowS',
  past_due_grace: 'pastDueGraceS',
  customer_map: 'customerMap',
  as_of: 'asOf',
};

export function optionsOf(golden: GoldenCase): Partial<MrrOptions> {
  return Object.fromEntries(Object.entries(golden.options).map(([name, value]) => [names[name] ?? name, value]));
}

/** A ledger that has been told everything at once. */
export function told(records: readonly object[], options: Partial<MrrOptions> = {}): Ledger {
  const ledger = new Ledger(options);
  for (const record of records) ledger.add(record);
  ledger.flush();
  return ledger;
}

/** A store of state as a command keeps it: text on disk. */
export class Store {
  readonly entries = new Map<string, string>();

  save(ledger: Ledger): void {
    for (const [key, value] of ledger.changes()) this.entries.set(key, JSON.stringify(value));
  }

  resume(options: Partial<MrrOptions>): Ledger {
    const ledger = new Ledger(options);
    ledger.load([...this.entries].map(([key, value]) => [key, JSON.parse(value) as unknown]));
    return ledger;
  }
}

/** What a warehouse holds after these lines: the highest revision of each id, without the deleted, in the ledger's order. Revisions are left out. */
export function applied(lines: readonly Movement[]): Omit<Movement, 'revision'>[] {
  const rows = new Map<string, Movement>();
  for (const line of lines) {
    const known = rows.get(line.id);
    if (known && known.revision >= line.revision)
      throw new Error(`revision ${line.revision} of ${line.id} comes after ${known.revision}`);
    rows.set(line.id, line);
  }
  return sorted([...rows.values()].filter((row) => row.op === 'upsert'));
}

/** The same for a ledger read as a whole. */
export function sorted(movements: readonly Movement[]): Omit<Movement, 'revision'>[] {
  const text = (movement: Movement): string =>
    JSON.stringify([
      String(movement.occurred_at).padStart(12, '0'),
      movement.account ?? '',
      movement.subscription,
      !movement.livemode,
      movement.currency,
    ]);
  return [...movements].sort((a, b) => (text(a) < text(b) ? -1 : 1)).map(({ revision: _, ...movement }) => movement);
}

/** Feeds batches with a flush after each; `resumes` throws the ledger away after each flush and goes on from the saved state. */
export function inBatches(
  batches: readonly (readonly object[])[],
  options: Partial<MrrOptions>,
  resumes: boolean,
): { lines: Movement[]; ledger: Ledger } {
  const store = new Store();
  const lines: Movement[] = [];
  let ledger = new Ledger(options);
  for (const batch of batches) {
    for (const record of batch) ledger.add(record);
    lines.push(...ledger.flush());
    store.save(ledger);
    if (resumes) ledger = store.resume(options);
  }
  return { lines, ledger };
}

/** A generator of numbers in [0, 1) that always gives the same ones (mulberry32). */
export function seeded(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export function shuffled<T>(values: readonly T[], random: () => number): T[] {
  const all = [...values];
  for (let i = all.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [all[i], all[j]] = [all[j]!, all[i]!];
  }
  return all;
}

/** Cuts a list into up to `most` pieces at random places; some may be empty. */
export function cut<T>(values: readonly T[], most: number, random: () => number): T[][] {
  const places = Array.from({ length: Math.floor(random() * most) }, () => Math.floor(random() * (values.length + 1))).sort(
    (a, b) => a - b,
  );
  return [0, ...places].map((from, i) => values.slice(from, places[i] ?? values.length));
}
