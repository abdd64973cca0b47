import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import chart from '../../src/commands/chart.ts';
import { full, shortFor } from '../../src/lib/chart/numbers.ts';
import { testCall, testContext } from '../support/context.ts';

const defaults = { x: 'x', y: 'y', type: 'line', divide: 1, maxLine: 16 * 1024 ** 2 };

async function draw(
  lines: readonly (object | string)[],
  options: Record<string, unknown> = {},
  terminal: { columns?: number; isTerminal?: boolean } = {},
) {
  const input = lines.map((line) => (typeof line === 'string' ? line : `${JSON.stringify(line)}\n`));
  const written: string[] = [];
  const { columns = 80, isTerminal = false } = terminal;
  const context = testContext({
    input,
    stdout: { isTerminal, columns, isBehind: false, write: async (bytes) => void written.push(String(bytes)) },
  });
  await chart.run?.(testCall('chart', { ...defaults, ...options }, context).call as never);
  return { text: written.join(''), rows: written.join('').split('\n').slice(0, -1), said: context.said };
}

const months = Array.from({ length: 14 }, (_, i) => new Date(Date.UTC(2025, i, 1)).toISOString().slice(0, 7));

test('a line in the terminal: round labels, months in their order, whatever the order of the lines', async () => {
  const lines = months.map((x, i) => ({ x, y: 100 * i * i }));
  const { text } = await draw(lines, { title: 'MRR', divide: 100 });
  expect(text).toBe(`MRR

200 ┤
    │                                                         ╭──
150 ┤                                                     ╭───╯
    │                                               ╭─────╯
100 ┤                                          ╭────╯
    │                                   ╭──────╯
 50 ┤                           ╭───────╯
    │               ╭───────────╯
  0 ┤───────────────╯
    └────────────────────────────────────────────────────────────
     2025-01   2025-04       2025-07       2025-10        2026-02
`);
  expect((await draw([...lines].reverse(), { title: 'MRR', divide: 100 })).text).toBe(text);
});

test('every row fits the terminal, at any width and for any values', async () => {
  for (const columns of [20, 33, 80, 200]) {
    for (const values of [[1], [0, 0], [-5, 5], [1e-9, 2e-9], [-3e12, 7e15], [123456.789, 123456.79]]) {
      for (const type of ['line', 'bar']) {
        const { rows } = await draw(
          values.map((y, i) => ({ x: `2026-${String(i + 1).padStart(2, '0')}`, y })),
          { type },
          { columns },
        );
        // A bar has a least length of its own, and its number is never cut.
        const room = type === 'bar' ? Math.max(columns, 50) : columns;
        expect(Math.max(...rows.map((row) => [...row].length)), rows.join('\n')).toBeLessThanOrEqual(room);
        expect(rows.join('')).not.toMatch(/NaN|undefined|Infinity/);
      }
    }
  }
});

test('series share a picture where colours tell them apart, and have one each where none do, or where their sizes differ much', async () => {
  const two = (factor: number) =>
    months.flatMap((x, i) => [
      { x, y: i + 1, c: 'usd' },
      { x, y: factor * (i + 1), c: 'eur' },
    ]);
  const axes = (text: string) => text.split('└').length - 1;
  expect(axes((await draw(two(2), { series: 'c' }, { isTerminal: true })).text)).toBe(1);
  expect(axes((await draw(two(100), { series: 'c' }, { isTerminal: true })).text)).toBe(2);
  const plain = await draw(two(2), { series: 'c' });
  expect(axes(plain.text)).toBe(2);
  expect(plain.text).not.toContain('\u001b');
  expect(plain.text).toMatch(/── usd[\s\S]*── eur/);
});

test('what is missing is left empty: before the first value, and behind the last', async () => {
  const { rows } = await draw(
    [...months.map((x) => ({ x, y: 1, c: 'a' })), ...months.slice(5, 9).map((x) => ({ x, y: 1, c: 'b' }))],
    { series: 'c' },
  );
  const line = rows.filter((row) => /─{5}/.test(row) && row.includes('┤'));
  const [whole = '', part = ''] = line.map((row) => row.slice(row.indexOf('┤') + 1));
  expect(whole.trim().length).toBeGreaterThan(2 * part.trim().length);
  expect(part.startsWith('    ')).toBe(true);
});

test('bars: one a value, negative ones to the left, values of one place added up', async () => {
  const { text } = await draw(
    [{ x: 'new', y: 3100 }, { x: 'churn', y: -1250 }, { x: 'new', y: 900 }, { x: 'other', y: null }, { y: 5 }],
    { type: 'bar', divide: 100, title: 'Movements' },
    { columns: 40 },
  );
  expect(text).toBe(`Movements

new         │███████████████████ 40
churn ██████│ -12.50
`);
});

test('fields of fields, numbers written as text, and marks', async () => {
  const { rows } = await draw(
    [
      '["buda.begin",1,{"app":"a","source":"s","run":"r","term":1,"at":0,"from":{}}]\n',
      { a: { b: 2 }, n: '12345678901234567890' },
      '["buda.mark",1,{"to":"1","c":[["s",0,1,0]]}]\n',
      '["buda.end",1,{"exit":0}]\n',
    ],
    { x: 'a.b', y: 'n', type: 'bar' },
  );
  expect(rows[1]).toMatch(/^2 █+ 12,345,678,901,234,567,168$/);
  await expect(
    draw([
      '["buda.begin",1,{"app":"a","source":"s","run":"r","term":1,"at":0,"from":{}}]\n',
      '["buda.end",1,{"exit":77,"why":"a wrong key"}]\n',
    ]),
  ).rejects.toMatchObject({ exit: 77 });
});

test.each([
  [['nope\n'], 65, 'line 1: not a JSON object'],
  [['{"x":1,\n'], 65, 'line 1: not JSON'],
  [[{ x: 1, y: 'many' }], 65, '"y" is no number'],
  [[{ x: 1 }], 65, 'nothing to draw'],
  [[], 65, 'nothing to draw'],
  [Array.from({ length: 13 }, (_, i) => ({ x: 1, y: 1, c: i })), 65, 'more than 12 series'],
  [Array.from({ length: 10_001 }, (_, i) => ({ x: i, y: 1 })), 65, 'more than 10000 points'],
])('what cannot be drawn is refused: %#', async (lines, exit, message) => {
  await expect(draw(lines, { series: 'c' })).rejects.toMatchObject({ exit, message: expect.stringContaining(message) });
});

describe('svg', () => {
  const folder = mkdtempSync(join(tmpdir(), 'buda-chart-'));
  const lines = months.flatMap((x, i) => [
    { x, y: 100 * i, c: 'usd' },
    { x, y: 60 * i, c: 'eur' },
  ]);

  test('has its title, axes and legend, and is the same every time, in any time zone', async () => {
    const svg = join(folder, 'a.svg');
    const pictures: string[] = [];
    for (const zone of ['UTC', 'America/Los_Angeles', 'Asia/Tokyo']) {
      const before = process.env.TZ;
      process.env.TZ = zone;
      await draw(lines, { series: 'c', title: 'MRR <by> currency', svg });
      if (before === undefined) delete process.env.TZ;
      else process.env.TZ = before;
      pictures.push(readFileSync(svg, 'utf8'));
    }
    expect(new Set(pictures).size).toBe(1);
    const texts = [...(pictures[0] ?? '').matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text);
    expect(texts).toEqual(expect.arrayContaining(['MRR &lt;by&gt; currency', 'x', 'y', 'c', 'usd', 'eur', 'Jan 2025', '1,200']));
    expect(pictures[0]).toMatch(/^<svg /);
  });

  test.each(['line', 'bar'])('%s of words, numbers and panels', async (type) => {
    const svg = join(folder, `${type}.svg`);
    for (const set of [
      [
        { x: 'a', y: 1 },
        { x: 'b', y: -2 },
      ],
      [
        { x: 1, y: 1 },
        { x: 10, y: 2 },
      ],
      lines.map((line) => ({ ...line, y: line.c === 'usd' ? line.y : 1000 * line.y })),
    ]) {
      await draw(set, { series: 'c', type, svg });
      const text = readFileSync(svg, 'utf8');
      expect(text).not.toMatch(/NaN|undefined/);
      expect(text.length).toBeGreaterThan(2000);
    }
  });
});

test('numbers on an axis are short, and in full beside a bar', () => {
  expect([0, 5, 1234, 9999].map(shortFor(9999))).toEqual(['0', '5', '1,234', '9,999']);
  expect([0, 500, 12_000, 12_345].map(shortFor(12_345))).toEqual(['0', '0.5k', '12k', '12.3k']);
  expect([2.5e6, 1e7].map(shortFor(1e7))).toEqual(['2.5M', '10M']);
  expect([1234567.891, -12, 0.5].map(full)).toEqual(['1,234,567.89', '-12', '0.50']);
});
