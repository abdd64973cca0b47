import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect } from 'vitest';
import sql from '../../src/commands/transform/sql.ts';
import { formatControl } from '../../src/lib/marks.ts';
import { readPlain } from '../../src/lib/sql/plain.ts';
import { pipe } from './pipe.ts';

/** Holds the plain answers to DuckDB's, on random tables; gives how many of the queries were plain, and in how many runs DuckDB was not even started. */
export async function holdToDuckDB(queries: fc.Arbitrary<string>, inputs: fc.Arbitrary<string>) {
  let plain = 0;
  let bare = 0;
  const property = fc.asyncProperty(
    queries,
    inputs,
    fc.constantFrom(2, 100),
    fc.boolean(),
    async (asked, lines, block, isMarked) => {
      const pieces = `${lines}{"a":\n`.split(/(?<=\n)/);
      const { isBare } = await compare(asked, isMarked ? marked(pieces, block) : pieces, block);
      if (readPlain(asked) === undefined) return;
      plain++;
      if (isBare) bare++;
    },
  );
  await fc.assert(property, { numRuns: Number(process.env.FUZZ_RUNS ?? 40), seed: 20261125 });
  return { plain, bare };
}

/** Expects the same answer of the query alone and of one that DuckDB has to read; gives whether there was one, and whether DuckDB was not even started for the first. */
export async function compare(asked: string, pieces: readonly string[], block: number) {
  const answer = (...more: string[]) =>
    pipe('transform sql', sql, [asked, '--block', `${block}`, ...more], pieces, { keep: true }).then(
      ({ text, letters, said, home }) => ({
        text,
        letters: letters.map(({ reason, position }) => [reason, position]),
        said,
        home,
      }),
      (error: unknown) => ({ text: (error as Error).message, letters: [], home: '' }),
    );
  const { home, ...first } = await answer();
  // A type for a field that nobody names leaves the whole work to DuckDB.
  const { home: _, ...second } = await answer('--columns', 'unused VARCHAR');
  expect(first, asked).toEqual(second);
  return { isAnswered: home !== '', isBare: home !== '' && !existsSync(join(home, 'spool')) };
}

/** Lines in epochs of so many. */
export function marked(lines: readonly string[], count: number): string[] {
  const begin = { app: 'billing', source: 'test:events', run: 'r1', term: 1, at: 0, from: {} };
  const pieces = [formatControl({ kind: 'begin', begin })];
  for (let at = 0; at < lines.length; at += count) {
    const some = lines.slice(at, at + count);
    pieces.push(...some, formatControl({ kind: 'mark', mark: { to: `${at}`, c: [['produce test', 0, some.length, 0]] } }));
  }
  pieces.push(formatControl({ kind: 'end', end: { exit: 0 } }));
  return pieces.map((piece) => (piece.endsWith('\n') ? piece : `${piece}\n`));
}
