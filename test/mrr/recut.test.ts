import fc from 'fast-check';
import { expect, it } from 'vitest';
import mrr from '../../src/commands/transform/mrr.ts';
import * as pipes from '../transform/pipe.ts';
import { linesOf, merged, type Row, withoutRevision } from '../transform/pipe.ts';
import { cases, cut, seeded, shuffled } from './replay.ts';

/** A run dies, and the source cuts its epochs otherwise when it comes again, in another order or with more than there was: a live crawl does. */
async function runCutAnew(words: readonly string[], input: readonly object[], random: () => number): Promise<Row[]> {
  const app = new pipes.App('transform mrr', mrr);
  const said: Row[] = [];
  let left = input;
  while (left.length > 0) {
    const seen = random() < 0.5 ? left : left.slice(0, 1 + Math.floor(random() * left.length));
    const epochs = cut(seen, 5, random);
    const commits = random() < 0.5 ? 0 : Math.floor(random() * (epochs.length + 1));
    const before = Array<string>(app.commits).fill('');
    said.push(...(await app.run(words, [...before, ...epochs.map(linesOf)], commits)).records);
    left = shuffled(left.slice(epochs.slice(0, commits).flat().length), random);
  }
  return said;
}

it.each([[[]], [['--months']], [['--months', '--by', 'plan']]])(
  'says nothing else under a revision that it has used, whatever a dead run said, and the last word is the highest: %j',
  async (words) => {
    const uninterrupted = new Map<string, Row[]>();
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...cases), fc.nat(1e9), async (golden, seed) => {
        const random = seeded(seed);
        let expected = uninterrupted.get(golden.name);
        if (expected === undefined) {
          expected = (await pipes.pipe('transform mrr', mrr, words, [linesOf(golden.input)])).records;
          uninterrupted.set(golden.name, expected);
        }
        const said = await runCutAnew(words, shuffled(golden.input, random), random);
        const contents = new Map<string, string>();
        for (const row of said) {
          const key = `${row.id} ${row.revision}`;
          expect(contents.get(key) ?? JSON.stringify(row)).toBe(JSON.stringify(row));
          contents.set(key, JSON.stringify(row));
        }
        expect(withoutRevision(merged(said))).toEqual(withoutRevision(merged(expected)));
      }),
      { seed: 1, numRuns: 100 },
    );
  },
);
