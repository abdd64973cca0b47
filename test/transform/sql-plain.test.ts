import { DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isPlainName } from '../../src/lib/sql/keywords.ts';
import { readPlain } from '../../src/lib/sql/plain.ts';
import { holdToDuckDB } from './both.ts';

const names = ['a', 'b', 'Type', 'from', 'x y', 'né'];
const nameOf = fc.constantFrom(...names);
const shownName = (name: string) => (/^[a-z]+$/i.test(name) && isPlainName(name) ? name : `"${name}"`);
const texts = ['', 'x', 'xy', 'X', "it's", 'é✓🎈', '5', '10', 'a"b', '\\', 'null'];
const numbers = ['0', '-0', '5', '5.0', '1e1', '10', '-3.25', '0.1', '123456789012345'];
const text = fc.constantFrom(...texts);
const literalText = (value: string) => `'${value.replaceAll("'", "''")}'`;
const literalNumber = fc.constantFrom('0', '5', '-3', '5.5', '0.1', '10', '123456789012345');
const comparison = fc.constantFrom('=', '<>', '!=', '<', '>', '<=', '>=');

const test = fc.tuple(nameOf, fc.constantFrom('text', 'number', 'in', 'like', 'null')).chain(([name, kind]) => {
  const column = shownName(name);
  if (kind === 'like')
    return fc
      .tuple(fc.boolean(), fc.array(fc.constantFrom('%', '%', 'x', 'y', 'é', '✓', "'", '5', '1', '"'), { maxLength: 4 }))
      .map(([isNot, pieces]) => `${column}${isNot ? ' NOT' : ''} LIKE ${literalText(pieces.join(''))}`);
  if (kind === 'null') return fc.constantFrom(`${column} IS NULL`, `${column} is not null`);
  if (kind === 'in')
    return fc
      .tuple(fc.boolean(), fc.array(text, { minLength: 1, maxLength: 3 }))
      .map(([isNot, values]) => `${column}${isNot ? ' NOT' : ''} IN (${values.map(literalText).join(', ')})`);
  const literal = kind === 'text' ? text.map(literalText) : literalNumber;
  return fc.tuple(comparison, literal).map(([how, value]) => `${column} ${how} ${value}`);
});
const output = fc.oneof(
  fc.constant('record'),
  fc
    .uniqueArray(fc.tuple(nameOf, fc.constantFrom('', ' AS z', ' AS "out 1"')), { minLength: 1, maxLength: 3 })
    .map((columns) => columns.map(([name, alias]) => `${shownName(name)}${alias}`).join(', ')),
);
const query = fc
  .tuple(output, fc.array(test, { maxLength: 3 }))
  .map(([columns, tests]) => `SELECT ${columns} FROM input${tests.length > 0 ? ` WHERE ${tests.join(' AND ')}` : ''}`);

/** Mostly values of one kind, so that a plain answer is often possible. */
const jsonOf = (kind: string) => {
  const written = text.chain((value) =>
    fc.constantFrom(
      JSON.stringify(value),
      `"${[...JSON.stringify(value).slice(1, -1)].map((c) => (c === 'x' ? '\\u0078' : c)).join('')}"`,
    ),
  );
  const number = fc.constantFrom(...numbers);
  if (kind === 'text') return written;
  if (kind === 'number') return number;
  return fc.oneof(
    written,
    number,
    fc.constantFrom('true', '12345678901234567890', '1e400', '[1, {"x":\t2}]', '{"a":"\\ud800"}', '"\\udc00"'),
  );
};
const records = fc.constantFrom('text', 'text', 'number', 'any').chain((kind) => {
  const value = fc.oneof({ arbitrary: jsonOf(kind), weight: 6 }, { arbitrary: fc.constant('null'), weight: 1 });
  // A name may come twice.
  return fc.array(fc.array(fc.tuple(nameOf, value), { maxLength: 4 }), { maxLength: 8 });
});
const input = records.map((rows) =>
  (rows as [string, string][][])
    .map((fields) => `{${fields.map(([name, value]) => `${JSON.stringify(name)}: ${value}`).join(' ,')}}\n`)
    .join(''),
);

it('a plain query answers as DuckDB does, or hands over to it', async () => {
  const { plain, bare } = await holdToDuckDB(query, input);
  expect(plain).toBeGreaterThan(15);
  expect(bare).toBeGreaterThan(8);
});

it('leaves to DuckDB what may mean something else', () => {
  for (const sql of [
    'SELECT * FROM input',
    'SELECT a, a FROM input',
    'SELECT a, A FROM input',
    'SELECT a AS b, b AS c FROM input',
    "SELECT a AS t FROM input WHERE t = 'x'",
    'SELECT record, a FROM input',
    'SELECT a FROM input WHERE a = 1 OR b = 2',
    'SELECT a FROM input WHERE a = 1 + 1',
    "SELECT a FROM input WHERE a = 'x' || 'y'",
    "SELECT a FROM input WHERE a = e'x'",
    'SELECT a FROM input WHERE a = 1234567890123456',
    'SELECT a FROM input LIMIT 1',
    'SELECT a FROM input -- all',
    'SELECT rowid FROM input',
    'SELECT order FROM input',
    'SELECT current_date FROM input',
    'SELECT a FROM input; SELECT 1',
    'SELECT input FROM input',
    "SELECT a FROM input WHERE record = 'x'",
    'SELECT a FROM input WHERE a = NULL',
    "SELECT a FROM input WHERE a IN (1, 'x')",
    "SELECT a FROM input WHERE a LIKE 'x_'",
    "SELECT a FROM input WHERE a LIKE 'x\\%'",
    "SELECT a FROM input WHERE a LIKE 'x%' ESCAPE 'y'",
    "SELECT a FROM input WHERE a ILIKE 'x%'",
    'SELECT a FROM input WHERE a LIKE 5',
    'SELECT a AS record FROM input',
  ])
    expect(readPlain(sql), sql).toBeUndefined();
  expect(readPlain("select record from INPUT where Type='it''s' and n >= -1.5 ;")).toMatchObject({ isRecord: true, outputs: [] });
});

it('knows the words that DuckDB does not take for names', async () => {
  const connection = await (await DuckDBInstance.create()).connect();
  const words = await connection.runAndReadAll(
    `select keyword_name from duckdb_keywords() where keyword_category <> 'unreserved'`,
  );
  expect(words.getRows().filter(([word]) => isPlainName(String(word)))).toEqual([]);
});
