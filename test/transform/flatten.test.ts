import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Flattener } from '../../src/lib/flatten/flatten.ts';
import { flatten } from '../../src/lib/flatten/step.ts';
import { FlattenWindow } from '../../src/lib/flatten/window.ts';
import { BadLine, parseRecord } from '../../src/lib/lines.ts';
import { batchesOf, testCall, textOf } from '../support/context.ts';
import { record, spoiltRecord } from '../support/json-text.ts';

const all = Number.POSITIVE_INFINITY;
const ways: [separator: string, depth: number][] = [
  ['_', all],
  ['\\"', 1],
  ['.', 0],
  ['é'.repeat(9), 2],
];

/** What becomes of a line, by its text; undefined where it is no record. One that begins otherwise no step sees. */
function flat(line: Buffer, flattener: Flattener): string | undefined {
  if (line[0] !== 0x7b) return undefined;
  try {
    parseRecord(line);
  } catch (error) {
    if (error instanceof BadLine) return undefined;
    throw error;
  }
  const text = line.toString('latin1');
  return flattener.text(text) ?? text;
}

describe('many at once come to what their texts come to, or are left to those', () => {
  test.each(ways)('separator %s, depth %d', (separator, depth) => {
    const written = Buffer.from(separator).toString('latin1');
    const window = FlattenWindow.open(written, depth)!;
    const flattener = new Flattener(written, depth);
    let answered = 0;
    const check = (line: Buffer) => {
      const before = Buffer.from('{"id":"before"}\n');
      const block = Buffer.concat([before, line, Buffer.from('\n{"after":{}}\n')]);
      const expected = flat(line, flattener);
      if (!window.flatten(block, before.length)) {
        // The other lines are ASCII.
        expect(expected).toBeUndefined();
        return;
      }
      if (window.count === 0) return;
      answered++;
      expect(window.count).toBe(2);
      expect(window.output.toString('latin1')).toBe(`${expected}\n${flat(Buffer.from('{"after":{}}'), flattener)}\n`);
      expect(window.behind).toBe(block.length);
    };
    fc.assert(
      fc.property(record, (text) => check(Buffer.from(text))),
      { seed: 20261128, numRuns: 2000 },
    );
    // It would be right to leave all of them, and of no use.
    expect(answered).toBeGreaterThan(500);
    fc.assert(fc.property(spoiltRecord, check), { seed: 20261129, numRuns: 3000 });
  });

  test('more columns than are looked at, longer names and lines, and too little room are left to the text', () => {
    const window = FlattenWindow.open('_', all)!;
    const left = (text: string) => {
      expect(window.flatten(Buffer.from(`${text}\n`), 0)).toBe(true);
      return window.count === 0;
    };
    const wide = (columns: number) => `{"a":{${Array.from({ length: columns }, (_, i) => `"n${i}":${i}`).join()}}}`;
    expect([wide(500), wide(520)].map(left)).toEqual([false, true]);
    const named = (length: number) => `{"${'x'.repeat(length)}":{"${'y'.repeat(length)}":{"z":1}}}`;
    expect([named(2000), named(3000)].map(left)).toEqual([false, true]);
    const long = (length: number) => `{"a":{"b":"${'x'.repeat(length)}"}}`;
    expect([long(65_000), long(66_000)].map(left)).toEqual([false, true]);
    // Each of the columns is as long as all the names that lead to it.
    expect(left(`{"${'x'.repeat(4000)}":{${Array.from({ length: 100 }, (_, i) => `"n${i}":${i}`).join()}}}`)).toBe(true);
    const deep = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
    expect([deep(30), deep(40)].map(left)).toEqual([false, true]);
  });

  test('a record that is nested deeper than 1,000 levels is refused, however warm the program is', () => {
    const deep = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
    const flattener = new Flattener('_', all);
    for (let i = 0; i < 300; i++) flattener.text(deep(900));
    expect(flattener.text(deep(1000))).toBeDefined();
    expect(() => flattener.text(deep(1002))).toThrow(RangeError);
  });

  test('a separator that is too long is left to the text', () => {
    expect(FlattenWindow.open('x'.repeat(257), all)).toBeUndefined();
  });
});

const line = fc.oneof(
  { weight: 8, arbitrary: record.map((text) => Buffer.from(text)) },
  { weight: 2, arbitrary: spoiltRecord },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(60_000, 65_500, 65_530, 70_000, 200_000), record)
      .map(([length, text]) => Buffer.from(`{"long":{"x":"${'y'.repeat(length)}"},"more":${text.replaceAll('\r', ' ')}}`)),
  },
  { weight: 1, arbitrary: fc.constant(Buffer.from('{"a":{"b":"\xe9"},"c":[1]}', 'latin1')) },
);

test.each(ways)(
  'a stream of records and others, separator %s, depth %d: line by line what each comes to alone',
  async (separator, depth) => {
    const written = Buffer.from(separator).toString('latin1');
    await fc.assert(
      fc.asyncProperty(fc.array(line, { minLength: 100, maxLength: 300 }), async (lines) => {
        // What is no object at all the step never sees.
        const seen = lines.filter((one) => one[0] === 0x7b);
        const { call, letters } = testCall('transform flatten', {}, undefined, [], true);
        const step = flatten(call, new Flattener(written, depth), {});
        const text = await textOf(
          step(
            batchesOf([
              Buffer.from('{"first":{}}\n'.repeat(100)),
              Buffer.concat(seen.map((one) => Buffer.concat([one, Buffer.from('\n')]))),
            ]),
          ),
        );
        const expected = seen.map((one) => flat(one, new Flattener(written, depth)));
        const wanted = expected.filter((one) => one !== undefined).map((one) => Buffer.from(`${one}\n`, 'latin1').toString());
        expect(text.split('\n').slice(100, -1).join('\n')).toBe(wanted.join('').slice(0, -1));
        expect(letters.map(({ position }) => position)).toEqual(
          expected.flatMap((one, i) => (one === undefined ? [`line ${i + 101}`] : [])),
        );
      }),
      { seed: 20261130, numRuns: 12, endOnFailure: true },
    );
  },
);
