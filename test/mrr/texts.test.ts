import { expect, test } from 'vitest';
import { Texts, TextTable } from '../../src/lib/mrr/texts.ts';
import { seeded } from './replay.ts';

test('texts that are replaced again and again are what was put last, in little more room than they need', () => {
  const random = seeded(1);
  const texts = new Texts();
  const model: string[] = [];
  const before = process.memoryUsage().arrayBuffers;
  const textOf = (i: number) => `${i} ${'x\u00e9\u{1f600}'[Math.floor(random() * 2)]}`.repeat(Math.floor(random() * 300));
  for (let i = 0; i < 20_000; i++) {
    const number = Math.floor(random() * (model.length + 1));
    const text = textOf(i);
    if (number === model.length) expect(texts.add(text)).toBe(number);
    else texts.set(number, text);
    model[number] = text;
  }
  for (const [number, text] of model.entries()) if (texts.get(number) !== text) expect(texts.get(number)).toBe(text);
  const bytes = model.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1.3 * bytes + 4e6);
});

test('a text may be longer than a block, empty, and longer or shorter than the one before', () => {
  const texts = new Texts();
  const long = 'long '.repeat(500_000);
  const numbers = ['', 'a', long, 'b'].map((text) => texts.add(text));
  expect(numbers.map((number) => texts.get(number))).toEqual(['', 'a', long, 'b']);
  texts.set(1, long);
  texts.set(2, 'short');
  for (let i = 0; i < 40; i++) texts.set(0, long.slice(i * 100_000));
  expect(numbers.map((number) => texts.get(number).length)).toEqual([0, long.length, 5, 1]);
});

test('texts lie apart by account and mode', () => {
  const table = new TextTable();
  table.set('acct|true', 'id', 'one');
  table.set('acct|false', 'id', 'other');
  table.set('acct|true', 'id', 'new');
  expect([
    table.get('acct|true', 'id'),
    table.get('acct|false', 'id'),
    table.get('acct|true', 'no'),
    table.get('', 'id'),
  ]).toEqual(['new', 'other', undefined, undefined]);
});
