import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import mrr from '../../src/commands/transform/mrr.ts';
import { batchesOf, testCall, testContext } from '../support/context.ts';
import * as pipes from '../transform/pipe.ts';
import { linesOf, merged, type Row, withoutRevision } from '../transform/pipe.ts';
import { created, dayS, item, items, t0, updated } from './build.ts';
import type { GoldenCase } from './replay.ts';
import { cases, cut, seeded, shuffled } from './replay.ts';

const transform = (words: readonly string[], input: readonly string[]) => pipes.pipe('transform mrr', mrr, words, input);

class App extends pipes.App {
  constructor(isOnDisk = false) {
    super('transform mrr', mrr, isOnDisk);
  }
}

/** The options of a golden case as they are typed. */
function wordsOf({ options }: GoldenCase): string[] {
  return Object.entries(options).flatMap(([name, value]) => {
    const flag = `--${name.replaceAll('_', '-')}`;
    if (name !== 'customer_map') return [flag, String(value)];
    const file = join(mkdtempSync(join(tmpdir(), 'buda-map-')), 'map.json');
    writeFileSync(file, JSON.stringify(value));
    return [flag, file];
  });
}

function sortedTexts(records: readonly Row[]): string[] {
  return [...new Set(records.map((record) => JSON.stringify(record)))].sort();
}

describe.each(cases)('buda transform mrr: $name', (golden) => {
  const words = wordsOf(golden);

  it('gives the expected movements', async () => {
    const { records } = await transform(words, [linesOf(golden.input)]);
    const names = Object.keys(golden.expected.movements[0] ?? {}).filter((name) => name !== 'items');
    const shown = (rows: Row[]) => rows.map((row) => names.map((name) => [name, row[name]]));
    expect(shown(records)).toEqual(shown(golden.expected.movements));
  });

  it('gives the same table under marks, shuffled, repeated, killed and resumed', async () => {
    const random = seeded(golden.name.length);
    const expected = withoutRevision(merged((await transform(words, [linesOf(golden.input)])).records));
    for (let round = 0; round < 1; round++) {
      const input = shuffled([...golden.input, ...golden.input.filter(() => random() < 0.3)], random);
      const epochs = cut(input, 6, random).map(linesOf);
      const app = new App();
      const { records } = await app.run(words, epochs);
      expect(withoutRevision(merged(records))).toEqual(expected);
      // The same cuts give the same records: a run that was killed repeats some, word for word.
      expect(sortedTexts(await new App().runKilled(words, epochs, random))).toEqual(sortedTexts(records));
      expect((await app.run(words, [...epochs, ...epochs])).records).toEqual([]);
    }
  });

  it('gives the same months under marks, killed and resumed', async () => {
    const all = [...words, '--months', ...(golden.name.length % 2 ? ['--by', 'plan'] : [])];
    const random = seeded(golden.name.length);
    const expected = withoutRevision(merged((await transform(all, [linesOf(golden.input)])).records));
    const epochs = cut(shuffled(golden.input, random), 5, random).map(linesOf);
    expect(withoutRevision(merged(await new App().runKilled(all, epochs, random)))).toEqual(expected);
  });
});

describe('buda transform mrr under an app', () => {
  const first = created();
  const more = updated(t0 + dayS, { items: [item({ quantity: 3 })] }, items(item({ quantity: 1 })));
  const later = updated(t0 + 40 * dayS, { items: [item({ quantity: 4 })] }, items(item({ quantity: 3 })));

  it('keeps its ledger in the state store on disk', async () => {
    const input = cases.flatMap(({ input }, i) => input.map((record) => ({ ...record, account: `acct_${i}` })));
    const epochs = cut(input, 6, seeded(6)).map(linesOf);
    const { records } = await new App().run([], epochs);
    const killed = await new App(true).runKilled([], epochs, seeded(7));
    expect(sortedTexts(killed)).toEqual(sortedTexts(records));
  });

  it('refuses other options, and says everything anew under them with --rebuild', async () => {
    const app = new App();
    const said = (await app.run([], [linesOf([first, more])])).records;
    const words = ['--week-factor', '4', '--backdate', 'start_date'];
    const refused = app.run(words, ['', linesOf([later])]);
    await expect(refused).rejects.toThrow('under another --backdate, --week-factor');
    await expect(refused).rejects.toMatchObject({ exit: 78 });
    const anew = (await app.run([...words, '--rebuild'], ['', linesOf([later])])).records;
    expect([...said, ...anew].map(({ op, revision, amount }) => [op, revision, amount])).toEqual([
      ['upsert', 1, 1000],
      ['upsert', 1, 2000],
      ['upsert', 2, 1000],
      ['upsert', 2, 2000],
      ['upsert', 1, 1000],
    ]);
  });

  it('takes back under --rebuild what is no more', async () => {
    const ended = { status: 'canceled', canceled_at: t0 + 2 * dayS, ended_at: t0 + 9 * dayS };
    const input = [first, updated(t0 + 9 * dayS, ended, { status: 'active', canceled_at: null, ended_at: null })];
    const asked = updated(t0 + 2 * dayS, { canceled_at: t0 + 2 * dayS }, { canceled_at: null });
    const app = new App();
    const said = (await app.run([], [linesOf([...input, asked])])).records;
    const anew = (await app.run(['--churn-at', 'requested', '--rebuild'], ['', ''])).records;
    const expected = (await transform(['--churn-at', 'requested'], [linesOf([...input, asked])])).records;
    expect(anew.map(({ op }) => op).sort()).toEqual(['delete', 'upsert', 'upsert']);
    expect(withoutRevision(merged([...said, ...anew]))).toEqual(withoutRevision(merged(expected)));
  });

  it('goes from movements to months and to another breakdown under --rebuild', async () => {
    const app = new App();
    await app.run([], [linesOf([first, more])]);
    const months = (await app.run(['--months', '--rebuild'], ['', linesOf([later])])).records;
    const words = ['--months', '--by', 'plan', '--rebuild'];
    const plans = (await app.run(words, ['', '', ''])).records;
    const expected = (await transform(['--months', '--by', 'plan'], [linesOf([first, more, later])])).records;
    expect(
      plans
        .filter(({ op }) => op === 'delete')
        .map(({ id }) => id)
        .sort(),
    ).toEqual(months.map(({ id }) => id).sort());
    expect(withoutRevision(merged([...months, ...plans]))).toEqual(withoutRevision(merged(expected)));
  });

  it('begins revisions above those that a lost ledger may have used', async () => {
    const app = new App();
    app.commits = 7;
    const { records } = await app.run([], ['', '', '', '', '', '', '', linesOf([first])]);
    expect(records.map(({ revision }) => revision)).toEqual([8]);
  });

  it('writes only the rows of the months that have changed, and takes back those that are gone', async () => {
    const back = updated(t0 + 40 * dayS, { items: [item({ quantity: 3 })] }, items(item({ quantity: 4 })));
    const epochs = [linesOf([first]), linesOf([later]), '', linesOf([more]), linesOf([back])];
    const { records } = await new App().run(['--months'], epochs);
    expect(records.map(({ month, op, revision, closing }) => [month, op, revision, closing])).toEqual([
      ['2026-01', 'upsert', 1, 1000],
      ['2026-02', 'upsert', 1, 4000],
      ['2026-01', 'upsert', 2, 3000],
      ['2026-02', 'upsert', 2, 4000],
      ['2026-02', 'delete', 3, 0],
    ]);
  });
});

describe('warnings', () => {
  const input = [created({ discounts: ['di_1'] }), updated(t0 + dayS, { discounts: ['di_1'] }, {})];

  it('are told at the end, a line a kind', async () => {
    const { said, records } = await transform([], [linesOf(input)]);
    expect(said).toEqual([
      'warning unresolved_discount in 1 subscription (di_1): discounts whose coupon is not known take nothing off; read coupons and customers too',
    ]);
    expect(records).toHaveLength(1);
  });

  it('end the step under --strict: without an app before anything is written', async () => {
    await expect(transform(['--strict'], [linesOf(input)])).rejects.toMatchObject({ exit: 65 });
  });

  it('end the step under --strict: under an app once every epoch is marked, before the end goes on', async () => {
    const context = testContext({
      openCheckpoints: () => ({ saved: () => ({ async *load() {}, async *uncommitted() {}, async save() {} }) }) as never,
    });
    const { call } = testCall('transform mrr', { months: false, preset: 'stripe', strict: true, rebuild: false }, context);
    const controls: unknown[] = [];
    const step = await mrr.step!(call as never);
    const text = [begin, linesOf(input), mark(input.length), end].join('');
    const reading = (async () => {
      for await (const { control } of step(batchesOf([text]))) controls.push(control?.kind);
    })();
    await expect(reading).rejects.toMatchObject({ exit: 65 });
    expect(controls.filter((kind) => kind !== undefined)).toEqual(['begin', 'mark']);
  });
});

const begin = '["buda.begin",1,{"app":"a","source":"s","run":"r","term":1,"at":0,"from":{}}]\n';
const mark = (count: number) => `["buda.mark",1,{"to":"1","c":[["produce test",0,${count},0]]}]\n`;
const end = '["buda.end",1,{"exit":0}]\n';
