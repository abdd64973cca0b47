import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { entries } from '../../src/commands/index.ts';
import own from '../../src/commands/transform/file.ts';
import type { Transform } from '../../src/index.ts';
import { findEntry } from '../../src/lib/entries.ts';
import { App, linesOf, pipe } from './pipe.ts';

const folder = mkdtempSync(join(tmpdir(), 'buda-own-'));
let files = 0;

function fileOf(text: string): string {
  const path = join(folder, `${files++}.mjs`);
  writeFileSync(path, text);
  return path;
}

const run = (text: string, records: object[], words: string[] = [], keep = false) =>
  pipe('transform FILE', own, [fileOf(text), ...words], [linesOf(records)], { keep });

// What the compiler has to take, and what it has to refuse.
const typed: Transform[] = [
  (record) => record,
  () => undefined,
  async ({ n }) => [{ n }, { n }],
  (record) => (record.n === 1 ? null : []),
];
const narrow: Transform<{ n: number }, { text: string }> = ({ n }) => ({ text: n.toFixed(2) });
// @ts-expect-error A number is no record.
const wrong: Transform = ({ n }) => Number(n);

describe('buda transform ./mine.js', () => {
  it('has a type', () => {
    expect([...typed, narrow, wrong].every((one) => typeof one === 'function')).toBe(true);
  });

  it('is found by its path', () => {
    const words = (typed: string) => findEntry(typed.split(' '), entries);
    expect(words('transform ./mine.js -q')).toMatchObject({ entry: { words: 'transform FILE' }, rest: ['./mine.js', '-q'] });
    expect(words('transform mine.mjs')?.entry.words).toBe('transform FILE');
    expect(words('transform flatten x')).toMatchObject({ entry: { words: 'transform flatten' }, rest: ['x'] });
    expect(words('transform mnie')).toBeUndefined();
    expect(words('transform --state=a/b')).toBeUndefined();
  });

  it('writes what the function gives: a record, several, none', async () => {
    const text =
      'export default ({ n }) => (n === 1 ? { n, text: "✓\\n" } : n === 2 ? [{ n }, { n: 20 }] : n === 3 ? [] : n === 4 ? null : undefined);';
    const { lines } = await run(
      text,
      [1, 2, 3, 4, 5].map((n) => ({ n })),
    );
    expect(lines).toEqual(['{"n":1,"text":"✓\\n"}', '{"n":2}', '{"n":20}']);
  });

  it('keeps the order of async calls, and no more of them at once than it is told', async () => {
    const text = `let now = 0, most = 0;
      export default async ({ n }) => {
        most = Math.max(most, ++now);
        await new Promise((resolve) => setTimeout(resolve, (n * 7) % 5));
        now--;
        return { n, most };
      };`;
    const records = Array.from({ length: 60 }, (_, n) => ({ n }));
    const one = (await run(text, records)).records;
    const four = (await run(text, records, ['--concurrency', '4'])).records;
    expect([one, four].map((all) => all.map(({ n }) => n))).toEqual([records.map(({ n }) => n), records.map(({ n }) => n)]);
    expect([one.at(-1)?.most, four.at(-1)?.most]).toEqual([1, 4]);
  });

  it('rejects the record whose call fails, and says where, but not what', async () => {
    const text = `export default ({ n }) => {
      if (n === 1) throw new TypeError('secret');
      if (n === 2) return 'text';
      if (n === 3) return [{ n }, 5];
      if (n === 4) return { big: 1n };
      if (n === 5) return new Date(0);
      if (n === 6) return Promise.reject(new RangeError('secret'));
      if (n === 7) throw 'secret';
      return { n };
    };`;
    const { records, letters } = await run(
      text,
      [0, 1, 2, 3, 4, 5, 6, 7, 8].map((n) => ({ n })),
      [],
      true,
    );
    expect(records).toEqual([{ n: 0 }, { n: 8 }]);
    const path = join(folder, `${files - 1}.mjs`);
    expect(letters.map(({ reason }) => reason.replace(path, 'FILE'))).toEqual([
      'FILE threw TypeError in line 2, column 26',
      'FILE gave a string, not a record',
      'FILE gave a number, not a record',
      'FILE gave what JSON cannot hold (TypeError)',
      'FILE gave what is no object in JSON',
      'FILE threw RangeError in line 7, column 42',
      'FILE threw a string',
    ]);
  });

  it('keeps marks: every record before one', async () => {
    const path = fileOf('export default async (record) => { await 0; return [record, record]; };');
    const app = new App('transform FILE', own);
    const { lines } = await app.run([path, '--concurrency', '3'], [linesOf([{ n: 1 }, { n: 2 }]), '', linesOf([{ n: 3 }])]);
    expect(lines.map((line) => (line[0] === '{' ? line : (JSON.parse(line) as string[])[0]))).toEqual([
      'buda.begin',
      ...['{"n":1}', '{"n":1}', '{"n":2}', '{"n":2}'],
      'buda.mark',
      'buda.mark',
      ...['{"n":3}', '{"n":3}'],
      'buda.mark',
      'buda.end',
    ]);
  });

  it('refuses a file that is none, or has no function', async () => {
    for (const text of ['export const x = 1;', 'export default 5;', 'export default (', 'import "nothing-of-the-kind";']) {
      await expect(run(text, [])).rejects.toMatchObject({ exit: 78 });
    }
    await expect(pipe('transform FILE', own, [join(folder, 'none.mjs')], [''])).rejects.toMatchObject({ exit: 78 });
  });
});
