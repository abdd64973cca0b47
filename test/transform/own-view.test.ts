import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BadLine, Batch, Line, parseRecord } from '../../src/lib/lines.ts';
import { changeBy, type OwnFunction } from '../../src/lib/own/module.ts';
import { readsOf } from '../../src/lib/own/reads.ts';
import { viewsOf } from '../../src/lib/own/view.ts';
import { RecordWriter } from '../../src/lib/own/writer.ts';
import { record, spoiltRecord } from '../support/json-text.ts';

const lineOf = (bytes: Buffer) =>
  Batch.ofBytes(Buffer.concat([Buffer.from('{"id":0}\n'), bytes, Buffer.from('\n{"a":0}\n')]), 3).lines[1] as Line;

/** What a function may put into a field. */
const values: (() => unknown)[] = [
  ...[0, -0, 1.5, 2 ** 64, Number.POSITIVE_INFINITY, Number.NaN, '', 'x', 'é"\\\n✓', '\ud800', true, false, null, undefined].map(
    (one) => () => one,
  ),
  ...[() => [], () => ({}), () => ({ b: 1 }), () => [1, [undefined]], () => new Date(0), () => new Map(), () => Symbol('s')],
  ...[() => () => 1, () => Object.create(null), () => ({ toJSON: () => 'j' }), () => ({ toJSON: () => undefined }), () => 1n],
  () => {
    const circle: { [name: string]: unknown } = {};
    circle.circle = circle;
    return circle;
  },
];
/** The next values that a function takes, from the beginning for each call. */
let chosen: readonly number[] = [];
let taken = 0;
const take = () => values[chosen[taken++ % chosen.length] as number]!();
let given: () => unknown;

const ownOf = (text: string) =>
  new Function('take', 'copyOfA', `'use strict'; return ${text}`)(take, () => given()) as OwnFunction;

/** What comes of a line: the records that are written, or the reason against it. */
async function outcome(change: ReturnType<typeof changeBy>, line: Line): Promise<string | Line[]> {
  taken = 0;
  try {
    const result = await change(line);
    return result === undefined ? [] : Array.isArray(result) ? result : [result];
  } catch (error) {
    if (error instanceof BadLine) return error.message;
    throw error;
  }
}

/** Numbers as doubles, without blanks, the last of two fields of one name; in this order. */
const asJson = (line: Line) => JSON.stringify(parseRecord(line.bytes));

const odd = fc.constantFrom(
  '"1":1',
  '"0":[1]',
  '"then":"x"',
  '"toJSON":{}',
  '"constructor":null',
  '"__proto__":{"a":1}',
  '"a":7',
);
const oddRecord = fc
  .tuple(record, fc.array(odd, { maxLength: 2 }))
  .map(([text, fields]) => (/^\{\s*\}/.test(text) || fields.length === 0 ? text : `{${fields.join()},${text.slice(1)}`));
const lines = fc.oneof(
  { weight: 5, arbitrary: oddRecord.map((text) => Buffer.from(text)) },
  { weight: 1, arbitrary: spoiltRecord },
);

describe('a function that reads named fields is given these alone', () => {
  it.each([
    '(record) => record',
    '() => undefined',
    '(record) => { record.id = take(); return record; }',
    '(record) => { record.a = undefined; return record; }',
    '(record) => { record.a = undefined; record.b = undefined; record.id = undefined; record.customer = undefined; return record; }',
    '(record) => { record.b = take(); record.a = take(); record.new = take(); record.id = take(); record.b = take(); return record; }',
    '(record) => { record.y = take(); record.x = take(); record.y = take(); return [record, record]; }',
    '(record) => { if (record.a) record.a.x = take(); if (record.b) record.b.c = take(); return record; }',
    '(record) => { record.a.b.c = 1; return record; }',
    '(record) => { if (Array.isArray(record.c)) record.c.push(take()); record.customer &&= take(); record.d ||= {}; return record; }',
    '(record) => { [record.a, record.b] = [record.b, record.a]; return record; }',
    '(record) => { const { a, b: c = 1, customer } = record; record.new = [a, c]; record.b = undefined; return [record, { a, c, customer }]; }',
    '(record) => { record.c = record.a; record.a = record.b; return record; }',
    '(record) => { if (record.id?.length > 2) throw new TypeError(record.id); return record.a && record; }',
    '({ id, a, é, ü = 1 }) => [{ id, é, x: a }, { ü }]',
    '({ id, type: { a } = {} }) => ({ a, id })',
    '({ a, b, c, d, id, revision, customer, é, ü, ID, i, idd }) => ({ all: [a, b, c, d, id, revision, customer, é, ü, ID, i, idd] })',
    '(record) => ({ a: typeof record.a, b: [record.b === record.b, record.b === record.a], c: record.c ?? "none" })',
    'async (record) => { const a = record.a; await null; record.c = a; await null; if (record.b) record.b.x = take(); return record; }',
    'async (record) => { if (record.id === 1) throw new RangeError("x"); await null; return record.d === null ? null : [record]; }',
    '(record) => record.id === undefined ? undefined : (record.d ??= take(), record.n++, record)',
    '(record) => [record, record.a]',
  ])('%s: what is written is what it writes of records that were parsed', async (text) => {
    const own = ownOf(text);
    const names = await readsOf(own);
    expect(names).toBeDefined();
    const byView = changeBy(own, 'mine.js', names);
    const byParse = changeBy(own, 'mine.js');
    const views = viewsOf(names as string[]);
    let viewed = 0;
    await fc.assert(
      fc.asyncProperty(
        lines,
        fc.array(fc.nat({ max: values.length - 1 }), { minLength: 1, maxLength: 5 }),
        async (bytes, all) => {
          chosen = all;
          const line = lineOf(bytes);
          if (views.of(line) !== undefined) viewed++;
          const [a, b] = [await outcome(byView, line), await outcome(byParse, lineOf(bytes))];
          const [written, expected] = [a, b].map((one) => (typeof one === 'string' ? one : one.map(asJson)));
          expect(written).toEqual(expected);
          if (typeof a !== 'string') for (const one of a) expect(one.bytes.includes(0x0a)).toBe(false);
        },
      ),
      { seed: 20261126, numRuns: Number(process.env.FUZZ_RUNS ?? 500) },
    );
    // It would be right to parse all of them, and of no use.
    expect(viewed).toBeGreaterThan(100);
  });

  it.each([
    '(record) => record',
    '(record) => { record.a; record.b; record.id; record.c; record.customer; return record; }',
    '(record) => { record.a = record.a; record.b = record.b; record.x = record.x; return [record]; }',
    '(record) => { record.a = { b: 1 }; record.a = record.b; record.a = copyOfA(); return record; }',
    'async (record) => { record.a; await null; record.b; return record; }',
  ])('%s: the bytes of what was not changed are the line’s', async (text) => {
    const own = ownOf(text);
    const names = (await readsOf(own)) as string[];
    const views = viewsOf(names);
    const writer = new RecordWriter();
    await fc.assert(
      fc.asyncProperty(oddRecord, async (json) => {
        const line = lineOf(Buffer.from(json));
        const parsed = parseRecord(line.bytes);
        // Of what it reads it writes no name twice.
        const isRead = text !== '(record) => record';
        fc.pre(views.of(line) !== undefined && !(isRead && writer.write(parsed, line)?.block !== line.block));
        given = () => structuredClone(parsed.a);
        const written = await outcome(changeBy(own, 'mine.js', names), line);
        expect(String((written as Line[])[0]?.bytes)).toBe(json);
      }),
      { seed: 20261126, numRuns: 300 },
    );
  });

  /** What a function makes of a line, by its bytes. */
  const writtenOf = async (text: string, json: string) => {
    const own = ownOf(text);
    const names = await readsOf(own);
    expect(names).toBeDefined();
    const line = lineOf(Buffer.from(json));
    expect(viewsOf(names as string[]).of(line)).toBeDefined();
    return ((await outcome(changeBy(own, 'mine.js', names), line)) as Line[]).map(({ bytes }) => String(bytes));
  };

  it.each([
    [
      '(record) => { record.x = 1; return record; }',
      '{"n":12345678901234567890, "f":1.0}\r',
      '{"n":12345678901234567890, "f":1.0,"x":1}',
    ],
    ['(record) => { record.x = 1; return record; }', '{ }', '{"x":1}'],
    ['(record) => { record.x = 1; return record; }', '{}', '{"x":1}'],
    [
      '(record) => { record.x = "é"; return record; }',
      '{"a":"\\u00e9", "a":[ 1e2 ] , "x" : "\\u00e9"}',
      '{"a":"\\u00e9", "a":[ 1e2 ] , "x" : "\\u00e9"}',
    ],
    [
      '(record) => { record.c = 0; record.b = 0; record.c = 3; record.a = 1; return record; }',
      '{"z":1}',
      '{"z":1,"c":3,"b":0,"a":1}',
    ],
    ['(record) => { record.c = undefined; record.b = 0; record.c = 3; return record; }', '{"z":1}', '{"z":1,"c":3,"b":0}'],
    [
      '(record) => { record.c = 1; record.b = 2; return record; }',
      '{"b" : 10, "z":1.0, "c":\t[]\t}',
      '{"b" : 2, "z":1.0, "c":\t1\t}',
    ],
    [
      '(record) => { record.a.m = 2; record.a.l.push(5); return record; }',
      '{"a":{"n":1e2, "m":1, "l":[1.0, 2.0]}, "b" : 1.0}',
      '{"a":{"n":1e2, "m":2,"l":[1.0, 2.0,5]}, "b" : 1.0}',
    ],
    ['(record) => { record.n += 1; return record; }', '{"n":1.0,"m":1.0}', '{"n":2,"m":1.0}'],
    ['(record) => { record.n -= 0; return record; }', '{"n":12345678901234567890}', '{"n":12345678901234567890}'],
    // Left out with a comma, wherever it stands.
    ['(record) => { record.a = undefined; return record; }', '{"a":1, "b":2}', '{"b":2}'],
    ['(record) => { record.a = undefined; return record; }', '{"b":2 , "a":1 }', '{"b":2  }'],
    ['(record) => { record.a = () => 1; return record; }', '{"b":2,"a":1,"c":3}', '{"b":2,"c":3}'],
    ['(record) => { record.a = Symbol(); return record; }', '{ "a" : "x,}" }', '{}'],
    ['(record) => { record.a = { toJSON() {} }; record.x = 1; return record; }', '{ "a" : [1,{}] }', '{"x":1}'],
    [
      '(record) => { record.a = record.b = record.c = undefined; record.x = 1; return record; }',
      '{"a":1,"b":2,"c":3}',
      '{"x":1}',
    ],
    ['(record) => { record.a = record.c = undefined; return record; }', '{"a":1,"b":2,"c":3}', '{"b":2}'],
    ['(record) => { record.a = record.b = undefined; return record; }', '{"a":1,"b":2,"c":3}', '{"c":3}'],
    ['(record) => { record.c = record.b = undefined; record.a = 0; return record; }', '{"a":1,"b":2,"c":3}', '{"a":0}'],
    ['(record) => { record.a = undefined; record.b = 0; return record; }', '{"a":1, "b":2}', '{"b":0}'],
    ['(record) => { record.é = undefined; record.ü = 1; return record; }', '{"x":"é","é":1,"z":"ü"}', '{"x":"é","z":"ü","ü":1}'],
  ])('%s of %s', async (text, json, expected) => {
    expect(await writtenOf(text, json)).toEqual([expected]);
  });

  it('however long a field becomes', async () => {
    const text =
      '(record) => { record.a = "✓".repeat(300000); record.b = Array(9000).fill("xyz"); record.c = "y".repeat(70000); return record; }';
    const [written] = await writtenOf(text, '{"n":1.0,"a":1,"m":"é"}');
    const [a, b, c] = ['✓'.repeat(300_000), Array(9000).fill('xyz'), 'y'.repeat(70_000)];
    expect(written).toBe(`{"n":1.0,"a":"${a}","m":"é","b":${JSON.stringify(b)},"c":"${c}"}`);
  });

  it('each record apart, whenever it is read: between others, and after all', async () => {
    const all: (() => unknown)[] = [];
    const release: (() => void)[] = [];
    const own = new Function(
      'all',
      'release',
      `'use strict'; return async (record) => {
        all.push(() => [record.a, record.o, record.o === record.o, record.none]);
        await new Promise((resolve) => release.push(resolve));
        record.a += record.a;
        record.o.seen = record.s;
        return record;
      }`,
    )(all, release) as OwnFunction;
    const change = changeBy(own, 'mine.js', await readsOf(own));
    const texts = [1, 2, 3].map((n) => `{"o":{"n":${n}.0},"é":"${'é'.repeat(n)}","s":"x${n}","a":"${'y'.repeat(n)}"}`);
    const { lines } = Batch.ofBytes(Buffer.from(texts.map((text) => `${text}\n`).join('')), 3);
    const results = lines.map(change) as Promise<Line>[];
    expect(all.map((one) => one())).toEqual([1, 2, 3].map((n) => ['y'.repeat(n), { n }, true, undefined]));
    for (const one of release.reverse()) one();
    const written = await Promise.all(results);
    expect(written.map(({ bytes }) => String(bytes))).toEqual(
      [1, 2, 3].map((n) => `{"o":{"n":${n}.0,"seen":"x${n}"},"é":"${'é'.repeat(n)}","s":"x${n}","a":"${'y'.repeat(2 * n)}"}`),
    );
    expect(all.map((one) => one())).toEqual([1, 2, 3].map((n) => ['y'.repeat(2 * n), { n, seen: `x${n}` }, true, undefined]));
  });

  it('also where a line came between that has to be parsed', () => {
    const views = viewsOf(['a']);
    const view = views.of(lineOf(Buffer.from('{"a":"x","b":1}'))) as { a: unknown };
    expect(views.of(lineOf(Buffer.from('{"b":2,"a":"yy","a":"z"}')))).toBeUndefined();
    expect(view.a).toBe('x');
  });

  it('of the line itself where nothing was changed; in a list each is a line of its own', async () => {
    const own = ownOf('(record) => record.n === 1 ? record : [record, record]');
    const change = changeBy(own, 'mine.js', await readsOf(own));
    const [one, two] = [lineOf(Buffer.from('{"n":1}')), lineOf(Buffer.from('{"n":2}'))];
    expect(await change(one)).toBe(one);
    const pair = (await change(two)) as Line[];
    expect(new Set([two, ...pair]).size).toBe(3);
    expect(pair.map(({ block, start, number }) => [block === two.block, start, number])).toEqual(
      [1, 2].map(() => [true, two.start, two.number]),
    );
  });

  it('but not of what has no bytes, nor where all objects have a name of their own', async () => {
    const own = ownOf('(record) => { record.n += 1; record.o.x = 1; return record; }');
    const names = await readsOf(own);
    const change = changeBy(own, 'mine.js', names);
    const json = '{"n":1,"o":{}}';
    expect(viewsOf(names as string[]).of(Line.written(json))).toBeUndefined();
    expect(String(((await change(Line.written(json))) as Line).bytes)).toBe('{"n":2,"o":{"x":1}}');
    const deep = `${'['.repeat(40)}${']'.repeat(40)}`;
    for (const seldom of [`"d":${deep}`, '"\\u0064":1', '"n":1']) {
      const line = lineOf(Buffer.from(`{${seldom},"n":1,"o":{}}`));
      expect(viewsOf(names as string[]).of(line)).toBeUndefined();
      expect(parseRecord(((await change(line)) as Line).bytes)).toMatchObject({ n: 2, o: { x: 1 } });
    }
    const objects = Object.prototype as { own?: number };
    const polluting = ownOf('(record) => { Object.prototype.own = 1; record.n += 1; record.o.x = 1; return record; }');
    const polluted = changeBy(polluting, 'mine.js', await readsOf(polluting));
    try {
      for (let i = 0; i < 2; i++)
        expect(String(((await polluted(lineOf(Buffer.from(json)))) as Line).bytes)).toBe('{"n":2,"o":{"x":1}}');
      expect(viewsOf(names as string[]).of(lineOf(Buffer.from(json)))).toBeUndefined();
      expect(await readsOf(ownOf('(record) => record.own'))).toBeUndefined();
    } finally {
      delete objects.own;
    }
  });
});
