import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Batch, Line, parseRecord } from '../../src/lib/lines.ts';
import { RecordWriter } from '../../src/lib/own/writer.ts';
import { record } from '../support/json-text.ts';

type Json = Record<string, unknown>;
const lineOf = (text: string) => Batch.ofBytes(Buffer.from(`{"x":0}\n${text}\n{"y":0}\n`), 3).lines[1] as Line;

/** A change as a function may make it: of the record itself, or of a part of it. */
type Edit = (at: Json | unknown[]) => unknown;
const key = fc.constantFrom('id', 'a', 'b', 'c', 'customer', 'é', 'new', '__proto__', '7', 'q"');
const values: (() => unknown)[] = [
  ...[0, -0, 1.5, 2 ** 64, Number.POSITIVE_INFINITY, Number.NaN, '', 'x', 'é"\\\n✓', '\ud800', true, null, undefined].map(
    (one) => () => one,
  ),
  ...[() => [], () => ({}), () => ({ b: 1 }), () => [1, [2]], () => new Date(0), () => new Map(), () => Symbol('s')],
  ...[() => () => 1, () => Object.create(null), () => ({ toJSON: () => 'j' }), () => ({ toJSON: () => undefined })],
];
const value = fc.nat({ max: values.length - 1 }).map((i) => values[i]!());
const put = (at: Json | unknown[], name: string, one: unknown) =>
  Object.defineProperty(at, name, { value: one, enumerable: true, writable: true, configurable: true });
const drop = (at: Json | unknown[], name: string) => {
  if (Array.isArray(at)) at.pop();
  else delete at[name];
  return at;
};
const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.constant<Edit>((at) => at),
  fc.tuple(key, value).map(
    ([name, one]): Edit =>
      (at) =>
        put(at, name, one),
  ),
  key.map(
    (name): Edit =>
      (at) =>
        drop(at, name),
  ),
  fc.tuple(key, value).map(
    ([name, one]): Edit =>
      (at) =>
        Array.isArray(at) ? [one, ...at] : { [name]: one, ...at },
  ),
  fc.constant<Edit>((at) => (Array.isArray(at) ? at.toReversed() : Object.fromEntries(Object.entries(at).reverse()))),
  fc.constant<Edit>((at) => (Array.isArray(at) ? at : Object.fromEntries(Object.entries(at).filter((_, i) => i % 2 === 0)))),
);
/** The edit of something inside, as deep as there is something. */
const into = (edited: Edit, path: readonly number[]): Edit => {
  const [first, ...rest] = path;
  if (first === undefined) return edited;
  return (at) => {
    const names = Object.keys(at);
    const name = names[first % Math.max(1, names.length)];
    const inner = name === undefined ? undefined : (at as Json)[name];
    if (typeof inner !== 'object' || inner === null) return edited(at);
    put(at, name as string, into(edited, rest)(inner as Json));
    return at;
  };
};
const edits = fc.array(
  fc.tuple(edit, fc.array(fc.nat({ max: 5 }), { maxLength: 2 })).map(([one, path]) => into(one, path)),
  { maxLength: 3 },
);

/** A zero has no sign in JSON.stringify, and what is no number is null. */
const plain = (text: string): unknown =>
  JSON.parse(text, (_, one: unknown) => (one === 0 ? 0 : typeof one === 'number' && !Number.isFinite(one) ? null : one));

describe('what a function gives is written', () => {
  const writer = new RecordWriter();

  it('as JSON.stringify writes it, whatever the function did', () => {
    let same = 0;
    fc.assert(
      fc.property(record, edits, (text, all) => {
        const line = lineOf(text);
        let result: unknown = parseRecord(line.bytes);
        for (const one of all) result = one(result as Json);
        const expected = JSON.stringify(result) as string | undefined;
        const written = writer.write(result as object, line);
        if (written?.block === line.block) same++;
        if (expected === undefined) return expect(written).toBeUndefined();
        expect(written?.bytes.includes(0x0a)).toBe(false);
        expect(plain(String(written?.bytes))).toEqual(plain(expected));
      }),
      { seed: 20261125, numRuns: Number(process.env.FUZZ_RUNS ?? 6000) },
    );
    expect(same).toBeGreaterThan(500);
  });

  it.each([
    [
      '{"n":12345678901234567890, "f":1.0,"s":"\\u00e9"}',
      (one: Json) => ({ ...one, t: 1 }),
      '{"n":12345678901234567890, "f":1.0,"s":"\\u00e9","t":1}',
    ],
    ['{"n":12345678901234567890,"f":1.0}', ({ f, n }: Json) => ({ f, n }), '{"f":1.0,"n":12345678901234567890}'],
    ['{"a":1,"n":12345678901234567890,"b":2}', ({ n }: Json) => ({ x: 0, n }), '{"x":0,"n":12345678901234567890}'],
    [
      '{"a":{"n":1e2, "m":1}, "l":[1.0, 2.0]}',
      (one: Json) => ({ ...one, a: { ...(one.a as Json), m: 2 } }),
      '{"a":{"n":1e2, "m":2},"l":[1.0, 2.0]}',
    ],
    ['{"l":[1.0, 2.0, 3.0]}', ({ l }: Json) => ({ l: (l as number[]).slice(0, 2) }), '{"l":[1.0, 2.0]}'],
    ['{"l":[1.0]}', ({ l }: Json) => ({ l: [...(l as number[]), 5, undefined] }), '{"l":[1.0,5,null]}'],
    ['{"a":1, "b":2}', (one: Json) => ({ ...one, a: undefined }), '{"b":2}'],
    ['{"a":1, "b":2}', (one: Json) => ({ ...one, b: undefined, c: 3 }), '{"a":1,"c":3}'],
    ['{"a":1.0,"a":2.0}', (one: Json) => one, '{"a":2}'],
    ['{ }', () => ({ a: 1 }), '{"a":1}'],
    ['{"a":1}', () => ({}), '{}'],
  ] as [string, (record: Json) => object, string][])(
    '%s: what is left alone stays as it is written',
    (text, change, expected) => {
      const line = lineOf(text);
      expect(String(writer.write(change(parseRecord(line.bytes)), line)?.bytes)).toBe(expected);
    },
  );

  it('as the line itself where nothing was changed', () => {
    for (const text of [
      '{"a" : 1.0, "é":"\\u0061", "l":[ ], "o":{"x":null}}\r',
      ' {"n":123456789012345678901234567890,"t":true}',
    ]) {
      const line = lineOf(text);
      const written = writer.write({ ...parseRecord(line.bytes) }, line);
      expect([written?.start, written?.end]).toEqual([line.start, line.end]);
      expect(written?.block).toBe(line.block);
    }
  });

  it('however long it becomes, and of a record that a step made', () => {
    const line = lineOf('{"a":1.0}');
    const long = { a: 1, texts: Array.from({ length: 9000 }, (_, i) => `text ${i} ✓`), more: 'é'.repeat(300_000) };
    for (let i = 0; i < 3; i++) {
      const written = writer.write(long, line);
      expect(String(written?.bytes)).toBe(JSON.stringify(long).replace('{"a":1,', '{"a":1.0,'));
    }
    expect(String(writer.write({ a: 1, b: 2 }, Line.written('{"a":1.0}'))?.bytes)).toBe('{"a":1.0,"b":2}');
  });

  it('not, where JSON cannot hold it', () => {
    const line = lineOf('{"a":1}');
    const circle: Json = { a: 1 };
    circle.b = { circle };
    expect(() => writer.write(circle, line)).toThrow(TypeError);
    expect(() => writer.write({ a: 1n }, line)).toThrow(TypeError);
    expect(String(writer.write({ a: 1 }, line)?.bytes)).toBe('{"a":1}');
  });
});
