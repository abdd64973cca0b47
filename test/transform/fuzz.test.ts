import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import dedupe from '../../src/commands/transform/dedupe.ts';
import own from '../../src/commands/transform/file.ts';
import flatten from '../../src/commands/transform/flatten.ts';
import hash from '../../src/commands/transform/hash.ts';
import mrr from '../../src/commands/transform/mrr.ts';
import validate from '../../src/commands/transform/validate.ts';
import type { AnyCommand } from '../../src/lib/command.ts';
import { cases, seeded } from '../mrr/replay.ts';
import { countLines, mutated } from './mutate.ts';
import { pipe } from './pipe.ts';

/** More by hand: FUZZ_LINES=1000000 npx vitest run test/transform/fuzz.test.ts */
const count = Number(process.env.FUZZ_LINES ?? 4000);

const folder = mkdtempSync(join(tmpdir(), 'buda-fuzz-'));
const write = (name: string, text: string) => {
  writeFileSync(join(folder, name), text, { mode: 0o600 });
  return join(folder, name);
};
const key = write('key', 'sixteen bytes, or more');
const schema = write(
  'schema.json',
  '{"properties":{"id":{"type":["string","number"]},"properties":{"properties":{"n":{"maximum":3}}}}}',
);
const mine = write(
  'mine.mjs',
  'export default async (record) => (record.t ? [record, record] : record.user_id === "u_23" ? null : record);',
);

const steps: [name: string, words: string[], command: AnyCommand][] = [
  ['transform flatten', [], flatten],
  ['transform flatten', ['--depth', '1', '--separator', '"✓'], flatten],
  ['transform hash', ['--field', 'id', '--field', 'contacts.*.email', '--field', '*.b', '--key-file', key], hash],
  ['transform validate', ['--schema', schema], validate],
  ['transform dedupe', ['--memory', '64k'], dedupe],
  ['transform FILE', [mine, '--concurrency', '4'], own],
];

/** Runs a step on pieces of broken lines, so that each is fresh. */
async function fuzz(name: string, command: AnyCommand, words: readonly string[]) {
  const random = seeded(20261124);
  const sums = { read: 0, dead: 0, written: 0, said: [] as string[] };
  for (let left = count; left > 0; left -= 4000) {
    const input = mutated(Math.min(left, 4000), random);
    const cuts = Array.from({ length: 20 }, () => Math.floor(random() * input.length)).sort((a, b) => a - b);
    const chunks = [0, ...cuts].map((from, i) => input.subarray(from, cuts[i] ?? input.length));
    const { records, letters, said } = await pipe(name, command, words, chunks, { keep: true });
    sums.read += countLines(input);
    sums.dead += letters.length;
    sums.written += records.length;
    sums.said.push(...said);
    for (const { reason } of letters) expect(reason).toMatch(/^[ -~]{5,160}$/);
  }
  return sums;
}

it.each(steps)(`%s loses no line of ${count}, whatever they hold, under %j`, async (name, words, command) => {
  const { read, dead, written, said } = await fuzz(name, command, words);
  expect(dead).toBeGreaterThan(read / 10);
  expect(written).toBeGreaterThan(name === 'transform dedupe' ? 20 : read / 10);
  if (name === 'transform dedupe') {
    const repeats = said.reduce((sum, text) => sum + Number(/^left out ([\d,]+)/.exec(text)?.[1]?.replaceAll(',', '') ?? 0), 0);
    expect(written + dead + repeats).toBe(read);
  } else if (name !== 'transform FILE') expect(written + dead).toBe(read);
});

it(`transform FILE gives what its function gives, and rejects the rest`, async () => {
  const every = write('every.mjs', 'export default (record) => [record];');
  const { read, dead, written } = await fuzz('transform FILE', own, [every]);
  expect(written + dead).toBe(read);
});

it(`transform mrr takes whatever broken records hold`, async () => {
  const random = seeded(7);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
  const values = [
    null,
    '',
    'x',
    -1,
    0,
    0.5,
    1e21,
    9e15,
    -9e15,
    '1e400',
    '-5',
    [],
    {},
    [null],
    true,
    'constructor',
    '__proto__',
    '9'.repeat(50),
  ];
  const records = cases.flatMap(({ input }) => input);
  const spoil = (value: unknown, odds: number): unknown => {
    if (random() < odds) return pick(values);
    if (Array.isArray(value)) return value.map((one) => spoil(one, odds));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, one]) => [
        random() < odds / 4 ? pick(['constructor', '__proto__', 'x']) : name,
        spoil(one, odds),
      ]),
    );
  };
  for (const words of [[], ['--months', '--by', 'plan'], ['--preset', 'profitwell', '--past-due-grace', '30d']]) {
    const input = Array.from({ length: Math.min(count, 20_000) }, () => `${JSON.stringify(spoil(pick(records), 0.01))}\n`).join(
      '',
    );
    const { records: written, letters } = await pipe('transform mrr', mrr, words, [input], { keep: true });
    expect(letters.length).toBeGreaterThan(20);
    expect(written.length).toBeGreaterThan(10);
    for (const { reason } of letters) expect(reason).toMatch(/^[\w.,: ()-]{5,100}$/);
    for (const record of written) {
      const numbers = Object.values(record).filter((value) => typeof value === 'number');
      expect(numbers.every(Number.isSafeInteger)).toBe(true);
    }
  }
});
