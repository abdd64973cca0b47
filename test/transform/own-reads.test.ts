import { describe, expect, it } from 'vitest';
import { readsOf } from '../../src/lib/own/reads.ts';

type Own = (record: never) => unknown;
/** A function as a file of loose code, or of a module ('use strict'), has it; `self` is what it may call itself by. */
const made = (text: string, how = "'use strict';"): Own =>
  new Function('self', `${how} const made = (${text}\n); self.made = made; return made;`)({});

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: these are sources of functions.
describe('what a function reads of its record is proved by its source', () => {
  it.each([
    ['(record) => record', []],
    ['() => undefined', []],
    ['record => record.a', ['a']],
    ['(record) => { record.is_seen = true; return record; }', ['is_seen']],
    ['async (record) => { record.x = await record.id; return record; }', ['x', 'id']],
    ['async function (record) { return record; }', []],
    ['function mine(record) { return record.ok ? record : undefined; }', ['ok']],
    ['({ id, type = "x", "a b": c, d: { constructor: e } }) => ({ id, type, c, e })', ['id', 'type', 'a b', 'd']],
    ['({ a }, b = a) => a', ['a']],
    ['(record, x = record.a) => ({ x })', ['a']],
    ['(record) => { record["a b"] += 1; record.n++; --record.m; record.o ??= 1; return record; }', ['a b', 'n', 'm', 'o']],
    ['(record) => { const { a, b: c = record.d } = record; return { a, c }; }', ['a', 'b', 'd']],
    [
      '(record) => { record.a.b.c = 1; delete record.a.d; record.list.push(1); record.list.map(String); return record; }',
      ['a', 'list'],
    ],
    ['(record) => record?.a?.b.c()', ['a']],
    ['(record) => (0, record.f)()', ['f']],
    ['(record) => new record.F(record.g.h`x`)', ['F', 'g']],
    ['(record) => [record, { a: record.a }, , null]', ['a']],
    ['(record) => (record.a, record.b && record)', ['a', 'b']],
    ['(record) => record.a ?? (record.b ? [record] : record)', ['a', 'b']],
    [
      '(record) => { for (const x of record.l) if (x) return record; try { return record; } finally { record.z = 1 } }',
      ['l', 'z'],
    ],
    [
      '(record) => { [record.a, record.b] = [1, 2]; for (record.k in { x: 1 }); ({ a: record.c } = {}); return record; }',
      ['a', 'b', 'k', 'c'],
    ],
    ['(record) => { const f = () => record.a; record.b = f(); return record; }', ['a', 'b']],
    ['(record) => { record: for (;;) break record; return { record: 1, x: { record() {} }.record }; }', []],
    ['(record) => { class A { record = 1; static { record.a; } record() {} #record; } return { x: new A() }; }', ['a']],
    ['(record) => { /* {...record} */ return record; // record\n }', []],
    ['(record) => { "record"; `record ${record.a} eval arguments`; /record/; return record; }', ['a']],
    ['(r)=>(r.a=1,r.b||(r.b=2),r)', ['a', 'b']],
    ['e=>{let{a:t,b:n}=e;return t>n?void 0:e}', ['a', 'b']],
    ['(\\u0072ecord) => record.\\u0061', ['a']],
    ['(record) => record.é', ['é']],
    ['(record) => ({ x: { eval: 1 }.eval, y: { arguments: 2 }.arguments })', []],
    [
      '(record) => { if (typeof record.a === "string" && "x" in record.b) throw new Error(record.c); return record; }',
      ['a', 'b', 'c'],
    ],
  ] as [string, string[]][])('%s: %j', async (text, names) => {
    expect(await readsOf(made(text))).toEqual(names);
  });

  it.each([
    // A function inside sets a field, perhaps while the record is being written.
    '(record) => { record.a = { toJSON() { record.b = 9; return 1; } }; return record; }',
    '(record) => { record.a = { get x() { record.b = 9; return 1; } }; return record; }',
    '(record) => { record.a = { toJSON: () => record.b++ }; return record; }',
    '(record) => { setTimeout(() => { record.b = 1; }); return record; }',
    '(record) => { const f = () => { [record.b] = [1]; }; f(); return record; }',
    '(record) => { const f = () => { for (record.b of [1]); }; f(); return record; }',
    '(record) => { class A { x = (record.b = 1); } record.a = { toJSON: () => new A() }; return record; }',
    // It goes somewhere else.
    '(record) => ({ ...record })',
    '(record) => f(record)',
    '(record) => { const other = record; return other; }',
    '(record) => { let other; other = record; return other; }',
    '(record) => { self.last = record; return record; }',
    '(record) => ({ record })',
    '(record) => ({ x: record })',
    '(record) => [...record]',
    '(record) => [...[record]]',
    '(record) => [{ a: record }]',
    '(record) => `${record}`',
    '(record) => record + ""',
    '(record) => record == 1',
    '(record) => !record',
    '(record) => record || 1',
    '(record) => (record ? 1 : 2)',
    '(record) => { if (record) return record; }',
    '(record) => { throw record; }',
    '(record) => { typeof record; }',
    '(record) => { "a" in record; }',
    '(record) => { for (const x in record); }',
    '(record) => { for (const x of record); }',
    '(record) => { record; }',
    '(record) => Object.keys(record)',
    '(record) => import(record)',
    '(record) => new Own(record)',
    '(record) => { class A extends record {} }',
    '(record) => { class A { [record]() {} } }',
    '(record) => { class A { x = record; } }',
    '(record) => ({ [record]: 1 })',
    '(record) => ({ get x() { return record; } })',
    'async (record) => { await record; }',
    'async (record) => await record',
    '(record) => { switch (record) {} }',
    '(record, other = record) => other',
    '(record, other = () => record) => other()',
    '(record) => tag`${record}`',
    // A function inside it gives it.
    '(record) => [1].map(() => record)',
    '(record) => { const f = () => { return record; }; return f(); }',
    '(record) => fetch(record.url).then(() => record)',
    '(record) => { function f() { return record; } return f(); }',
    '(record) => { class A { f() { return record; } } return new A().f(); }',
    'async (record) => { for await (const x of (function* () { yield record; })()) return x; }',
    // It is called, deleted from, or read by a name that only the run knows.
    '(record) => record.f()',
    '(record) => record?.f()',
    '(record) => (record?.f)()',
    '(record) => (record.f)()',
    '(record) => record.f?.()',
    '(record) => record["f"]()',
    '(record) => record.f`x`',
    '(record) => { delete record.a; return record; }',
    '(record) => { delete record?.a; return record; }',
    '(record) => { delete record["a"]; return record; }',
    '(record) => record[self.x]',
    '(record) => record[`a`]',
    '(record) => record[0]',
    '(record) => record["0"]',
    '(record) => record["17"]',
    '(record) => record["a.b"]',
    '(record) => record[""]',
    '(record) => record["\\ud800"]',
    '(record) => record.then',
    '(record) => record.toJSON',
    '(record) => record.__proto__',
    '(record) => record.constructor',
    '(record) => record.hasOwnProperty',
    '({ toString }) => toString',
    '({ 0: a }) => a',
    '({ 1n: a }) => a',
    // Taken apart as a whole.
    '({ a, ...rest }) => rest',
    '({ [self.x]: a }) => a',
    '(record) => { const { a, ...rest } = record; return rest; }',
    '(record) => { const { [self.x]: a } = record; return a; }',
    '(record) => { const [a] = record; return a; }',
    '(record) => { let a; ({ a } = record); return a; }',
    '([a]) => a',
    '(...records) => records[0]',
    '(record = {}) => record',
    '({ a } = {}) => a',
    // The name means something else somewhere.
    '(record) => { record = { a: 1 }; return record; }',
    '(record) => { record ??= {}; return record; }',
    '(record) => { record++; }',
    '(record) => { [record] = [1]; return record; }',
    '(record) => { ({ a: record } = {}); return record; }',
    '(record) => { ({ record } = {}); return record; }',
    '(record) => { for (record of []); return record; }',
    '(record) => { { const record = { a: 1 }; return record; } }',
    '(record) => [1].map((record) => record)',
    '(record) => [1].map(({ record }) => 1)',
    '(record) => [1].map(({ x: [record] }) => 1)',
    '(record) => { try {} catch (record) { return record; } }',
    '(record) => { try {} catch ({ record }) {} }',
    '(record) => { function record() {} return record; }',
    '(record) => { { class record {} } }',
    '(record) => { return (function record() { return record; })(); }',
    'function (record) { var record = { a: 1 }; return record; }',
    '(record) => { for (const record of []); return record; }',
    '(record) => { { const { a: record } = { a: 1 }; return record; } }',
    '(record, { a: record2 = record }) => record2',
    // Somebody may see it unseen.
    'function (record) { return arguments[0]; }',
    'function (record) { return (() => arguments[0])(); }',
    '(record) => eval("record")',
    '(record) => (eval)("record")',
    '({ a }) => { const eval2 = eval; return a; }',
    '() => eval("1")',
    'function () { return arguments[0]; }',
    '(record, x = eval("record")) => x',
    // No plain function.
    'function* (record) { yield record; }',
    'async function* (record) { yield record; }',
    'class { constructor(record) { return record; } }',
    '{ mine(record) { return record; } }.mine',
    '{ async mine(record) { return record; } }.mine',
    '{ ["x"](record) { return record; } }["x"]',
    'Object.getOwnPropertyDescriptor({ get x() { return 1; } }, "x").get',
    '((record) => record).bind(null)',
    'new Proxy((record) => record, {})',
    'JSON.parse',
    'class { static #f(record) { return record; } static g = this.#f }.g',
    // A comment to some, and code to others.
    '(record) => { let a = 1; a<!--record.a\n; return record; }',
    '(record) => { let n = 2; while (n --> 0); return record; }',
  ])('%s: not', async (text) => {
    expect(await readsOf(made(text))).toBeUndefined();
  });

  it('not in loose code where others may see what it was called with, or what its names mean', async () => {
    expect(await readsOf(made('function (record) { return record; }', ''))).toBeUndefined();
    expect(await readsOf(made('(record) => { with (record) return a; }', ''))).toBeUndefined();
    expect(await readsOf(made('(record) => record.a', ''))).toEqual(['a']);
    expect(await readsOf(made('async function (record) { return record; }', ''))).toEqual([]);
  });

  it('not beyond what is worth the while', async () => {
    const naming = (count: number) =>
      made(`(record) => { ${Array.from({ length: count }, (_, i) => `record.a${i};`).join('')} }`);
    expect(await readsOf(naming(64))).toHaveLength(64);
    expect(await readsOf(naming(65))).toBeUndefined();
    expect(await readsOf(made(`(record) => { /*${'x'.repeat(100_000)}*/ }`))).toBeUndefined();
    // Somewhere here it can be parsed and not be walked through.
    for (let terms = 5000; terms <= 9000; terms += 250) {
      const names = await readsOf(made(`(record) => record.a${'+record.a'.repeat(terms)}`));
      expect(names ?? ['a']).toEqual(['a']);
    }
  });

  it('whatever the function says of itself', async () => {
    const own = made('(record) => ({ ...record })');
    own.toString = () => '(record) => record';
    expect(await readsOf(own)).toBeUndefined();
    const whole = Function.prototype.toString;
    Function.prototype.toString = () => '(record) => record';
    try {
      expect(await readsOf(own)).toBeUndefined();
    } finally {
      Function.prototype.toString = whole;
    }
  });
});
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: these are sources of functions.
