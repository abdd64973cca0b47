import fc from 'fast-check';
import { expect, it } from 'vitest';
import sql from '../../src/commands/transform/sql.ts';
import type { AnyCommand } from '../../src/lib/command.ts';
import { parseWords } from '../../src/lib/commander/parse.ts';
import { readPlain } from '../../src/lib/sql/plain.ts';
import { batchesOf, testCall, testContext } from '../support/context.ts';
import { compare, holdToDuckDB, marked } from './both.ts';

const text = fc.constantFrom('', 'x', 'xy', 'X', "it's", 'é✓🎈', '5', '10', 'a"b', '\\', 'null');
const literalText = (value: string) => `'${value.replaceAll("'", "''")}'`;
const literalNumber = fc.constantFrom('0', '5', '-3', '5.5', '0.1', '10', '900', '3000000000', '123456789012345');
const comparison = fc.constantFrom('=', '<>', '!=', '<', '>', '<=', '>=');
const topTest = fc.constantFrom(
  "a = 'x'",
  "a LIKE 'x%'",
  "a NOT IN ('5', 'x')",
  'a IS NOT NULL',
  'a > 5',
  'p IS NOT NULL',
  "missing = 'x'",
  'missing IS NULL',
);

const nestedPath = fc.constantFrom('p.n', 'p.n', 'p.s', 'p.m.k', 'p.m', 'q.n', 'p.N');
const asText = (path: string) => path.replace(/\.(\w+)$/, "->>'$1'");
const nestedTest = fc.tuple(nestedPath, fc.constantFrom('cast', 'cast', 'text', 'like', 'null')).chain(([path, kind]) => {
  const value = asText(path);
  const cast = fc
    .constantFrom('INT', 'integer', 'BIGINT', 'DOUBLE')
    .chain((type) => fc.constantFrom(`(${value})::${type}`, `CAST(${value} AS ${type})`));
  if (kind === 'null')
    return fc
      .tuple(fc.oneof(fc.constant(`(${value})`), cast), fc.constantFrom('IS NULL', 'IS NOT NULL'))
      .map((all) => all.join(' '));
  if (kind === 'like') return fc.constantFrom(`(${value}) LIKE '1%'`, `(${value}) NOT LIKE '%x%'`, `(${value}) LIKE '%é%'`);
  const isCast = kind === 'cast';
  const literal: fc.Arbitrary<string> = isCast ? literalNumber : text.map(literalText);
  return fc.oneof(
    fc.tuple(isCast ? cast : fc.constant(`(${value})`), comparison, literal).map((all) => all.join(' ')),
    fc
      .tuple(
        isCast ? cast : fc.constant(`(${value})`),
        fc.constantFrom('IN', 'NOT IN'),
        fc.array(literal, { minLength: 1, maxLength: 3 }),
      )
      .map(([tested, how, literals]) => `${tested} ${how} (${literals.join(', ')})`),
  );
});
const nestedOutput = fc.oneof(
  { arbitrary: fc.constantFrom('record', 'a, p', 'p, p.n AS z'), weight: 1 },
  {
    arbitrary: fc
      .uniqueArray(fc.tuple(nestedPath, fc.constantFrom('', ' AS w', "->>' AS t", ' AS "out 1"'), fc.boolean()), {
        minLength: 1,
        maxLength: 3,
      })
      .map((columns) => {
        const shown = columns.map(([path, alias]) => (alias.startsWith('->>') ? `${asText(path)} AS t` : `${path}${alias}`));
        return [...(columns[0]?.[2] ? ['a'] : []), ...shown].join(', ');
      }),
    weight: 3,
  },
);
const query = fc
  .tuple(
    nestedOutput,
    fc.array(fc.oneof({ arbitrary: nestedTest, weight: 3 }, { arbitrary: topTest, weight: 1 }), { maxLength: 3 }),
  )
  .map(([columns, tests]) => `SELECT ${columns} FROM input${tests.length > 0 ? ` WHERE ${tests.join(' AND ')}` : ''}`);

const whole = ['0', '5', '-3', '10', '900', '901', '2147483647', '123456789012345', '"12"', '"-5"'];
const decimal = ['0.1', '900.5', '5.0', '-3.25', '0.001', '1.50', '12.0'];
const oddNumber = [
  '-0',
  '-0.0',
  '0.0',
  '1e2',
  '1E-7',
  '0.0000001',
  '2147483648',
  '99999999999999999999',
  '123456789012345678',
  '-1234567890123456789',
  '1e400',
];
const oddText = [
  '" 12"',
  '"012"',
  '"+5"',
  '"1e2"',
  '"12.0"',
  '""',
  '"\\ud800"',
  '"\\u001f"',
  '"\\/\\u0000"',
  '"\\\\u0041"',
  '"\\ud83c\\udf88"',
];
const odd = [...oddNumber, ...oddText, 'true', 'false', '{ "a" :\r1.50 ,"b":[ 1, 2]}', '[]', '[1 ,"x"]'];
const written = text.chain((value) => fc.constantFrom(JSON.stringify(value), JSON.stringify(value).replace('x', '\\u0078')));
const nestedJson = (kind: string) => {
  const one =
    kind === 'any'
      ? fc.constantFrom(...whole, ...decimal, ...odd)
      : fc.constantFrom(...whole, ...(kind === 'decimal' ? decimal : []));
  const value = fc.oneof(
    { arbitrary: one, weight: 6 },
    { arbitrary: fc.constantFrom('null', 'true'), weight: kind === 'whole' ? 0 : 1 },
  );
  const string = kind === 'any' ? fc.oneof(written, fc.constantFrom(...oddText)) : written;
  const inner = fc.oneof(
    { arbitrary: string.map((k) => `{"k":\t${k}}`), weight: 4 },
    { arbitrary: fc.constantFrom('null', '7', '{}', ...(kind === 'any' ? ['[1]', '{"k":1,"k":2}'] : [])), weight: 1 },
  );
  const member = fc.oneof(
    { arbitrary: value.map((n) => `"n": ${n}`), weight: 4 },
    { arbitrary: string.map((s) => `"s":${s}`), weight: 2 },
    { arbitrary: inner.map((m) => `"m" :${m}`), weight: 2 },
    { arbitrary: value.map((n) => `"N":${n}`), weight: 1 },
    {
      arbitrary: fc.constantFrom('"other":"\\n"', '"o\\u0074her":1', '"other":[{"n":1}]', '"other":"\\udc00"'),
      weight: kind === 'any' ? 1 : 0,
    },
  );
  const object = fc
    .uniqueArray(member, { maxLength: 4, selector: kind === 'any' ? (all) => all : (all) => all.slice(0, 3) })
    .map((all) => `{${all.join(',\r')} }`);
  return fc.oneof(
    { arbitrary: object, weight: 12 },
    {
      arbitrary: fc.constantFrom('null', ...(kind === 'any' ? ['5', '"x"', '"{\\"n\\":5}"', 'true', '[]', '[{"n":1}]'] : [])),
      weight: 1,
    },
  );
};
const input = fc.constantFrom('whole', 'whole', 'decimal', 'any').chain((kind) => {
  const fields = fc.tuple(
    fc.option(fc.oneof(written)),
    fc.option(nestedJson(kind), { freq: 8 }),
    fc.option(nestedJson(kind), { freq: 2 }),
    kind === 'any' ? fc.option(nestedJson(kind), { freq: 2 }) : fc.constant(null),
  );
  const record = fields.map(
    (all) => `{${['a', 'p', 'q', 'p'].flatMap((name, i) => (all[i] === null ? [] : [`"${name}": ${all[i]}`])).join(',')}}\n`,
  );
  return fc.array(record, { maxLength: 8 }).map((all) => all.join(''));
});

it('a plain query of nested fields answers as DuckDB does, or hands over to it', async () => {
  const { plain, bare } = await holdToDuckDB(query, input);
  expect(plain).toBeGreaterThan(20);
  expect(bare).toBeGreaterThan(10);
});

it('so it does for each value alone', async () => {
  const tables = [...whole, ...decimal, ...odd, 'null', '"\\ud800"', '"a\\nb"', '{"k":"x"}'].map(
    (n) => `{"a":"x","p":{"n":${n},"m":{"n":${n}}}}\n`,
  );
  for (const value of [
    'null',
    '5',
    '"x"',
    'true',
    '[]',
    '[{"n":5}]',
    '{}',
    '{"n":5,"n":6}',
    '{"n":5,"o":"\\udc00"}',
    '{"N":5}',
    '{"\\u006e":5}',
    '{"m":5}',
    '{"m":[5]}',
  ])
    tables.push(`{"a":"x","p":${value}}\n`);
  tables.push('{"a":"x"}\n', '{"p":{"n":5},"p":{"n":6}}\n', '{"p":{"n":5},"p":null}\n', '{"P":{"n":5}}\n');
  const readable = tables.filter((line) => !/"p":("x"|5|true)/.test(line));
  const answered = async (asked: string, pieces: readonly string[]) =>
    expect(await compare(asked, pieces, 1), asked).toMatchObject({ isAnswered: true });
  for (const asked of [
    'SELECT p.n, p.m.n AS o FROM input',
    "SELECT p->>'n' AS n, p.m->>'n' AS o FROM input",
    "SELECT a, p FROM input WHERE (p->>'n') >= '5'",
    "SELECT record FROM input WHERE (p.m->>'n') IN ('5', 'true', '1.5', '100.0', '', 'a\nb')",
    "SELECT a FROM input WHERE (p->>'n') NOT LIKE '%0'",
    "SELECT p FROM input WHERE (p->>'n') IS NULL",
  ])
    await answered(asked, marked(readable, 1));
  // What DuckDB takes for a number.
  const numbers = tables.filter((line) => /"n":("?[ +-]*\d[\d.eE-]*"?|null)[,}]/.test(line));
  const inRange = numbers.filter((line) => !/\d{10}|400/.test(line));
  expect(inRange.length).toBeGreaterThan(25);
  for (const literal of ['= 901', '>= 900.5', 'IN (0, -3, 100)', 'IS NULL'])
    await answered(`SELECT p FROM input WHERE (p->>'n')::INT ${literal}`, marked(inRange, 1));
  for (const literal of ['>= 900.5', 'IN (0, 12, 100)'])
    await answered(`SELECT p FROM input WHERE CAST(p.m->>'n' AS DOUBLE) ${literal}`, marked(inRange, 1));
  // A table has no answer at all where one value has none.
  const refused = async (asked: string, value: string) => {
    const pieces = ['{"a":1,"p":{"n":1}}\n', `{"a":1,"p":${value}}\n`];
    expect(await compare(asked, pieces, 2), value).toMatchObject({ isAnswered: false });
  };
  for (const value of ['2147483648', '"2147483648"', '99999999999999999999', '"x"', '""', 'true', '{}'])
    await refused("SELECT a FROM input WHERE (p->>'n')::INT IS NOT NULL", `{"n":${value}}`);
  for (const value of ['"x"', '5', 'true']) await refused('SELECT p.n FROM input', value);
});

it('leaves to DuckDB what may mean something else inside a field', () => {
  for (const columns of [
    "p->>'n'",
    "p->'n' AS n",
    "p->>'$.n' AS n",
    "p->>'/n' AS n",
    "p->>'n.m' AS n",
    "p->>'0' AS n",
    "p->>'*' AS n",
    "p->>'n\"' AS n",
    "p->>'é' AS n",
    "p->>'' AS n",
    'p->>0 AS n',
    "p->>'m'->>'k' AS k",
    "p->>'m'.k AS k",
    "(p->>'n') AS n",
    "p->>'n'::INT AS n",
    'p.n::INT AS n',
    'p.*',
    'p[1]',
    'p.',
    'p..n',
    'p."x y"',
    '"x y".n',
    'p.order',
    'input.p',
    'input.p.n',
    'main.Input.n',
    'record.n',
    'p.n AS record',
    'p.record',
    'p.n AS p',
    'p.n, q.n',
    'p.n, p.N AS m',
    'p.n, P.m',
    'p.n AS id, id AS other',
    'p.n, n AS other',
    '"a.b", p.n',
    'record, p.n',
  ])
    expect(readPlain(`SELECT ${columns} FROM input`), columns).toBeUndefined();
  for (const tested of [
    "a = 'x' AND p->>'n' = 'y'",
    "p->>'n' = 'y'",
    "p->>'n' IS NULL",
    "p->>'n'::INT > 5",
    "p->>('n') = 'y'",
    "(p->>'n')::INT = '5'",
    "(p->>'n')::INT IN (5, '6')",
    "(p->>'n')::INT LIKE '5%'",
    "(p->>'n') = 5",
    "(p->>'n') ILIKE 'x'",
    "(p->>'n')::VARCHAR = 'x'",
    "(p->>'n')::INT[] = 5",
    "(p->>'n')::DECIMAL(5,2) > 1",
    "(p->>'n')::DOUBLE PRECISION > 1",
    "(p->>'n')::INT::DOUBLE > 1",
    "(p->>'n')::INT + 1 > 5",
    "(p->>'n')::INT > 5 OR a = 'x'",
    "((p->>'n'))::INT > 5",
    "(p->>'n' AS INT) > 5",
    "CAST(p->>'n' AS INT)::DOUBLE > 5",
    "CAST(p->>'n') > 5",
    'CAST(p.n AS INT) > 5',
    "TRY_CAST(p->>'n' AS INT) > 5",
    'p.n = 5',
    'p.n IS NULL',
    '(p.n)::INT > 5',
    '(a)::INT > 5',
    "(a) = 'x'",
    "(record->>'n') = 'x'",
    "(input.p->>'n') = 'x'",
  ])
    expect(readPlain(`SELECT a FROM input WHERE ${tested}`), tested).toBeUndefined();
  const plain = `select p.m.k, p.m->>'l' as x, "p"."n" from input where(p->>'n')='x' and (p->>'o')::integer>= -5 and cast(p.m->>'k' as double)in(-1)`;
  expect(readPlain(plain)).toMatchObject({
    outputs: [
      { field: 'p', path: 'p.m.k', as: 'json', name: 'k' },
      { field: 'p', path: 'p.m.l', as: 'text', name: 'x' },
      { field: 'p', path: 'p.n', as: 'json', name: 'n' },
    ],
    tests: [
      { path: 'p.n', as: 'text' },
      { path: 'p.o', as: 'INTEGER' },
      { path: 'p.m.k', as: 'DOUBLE' },
    ],
  });
});

it('hands on nothing of a table, before a later record may leave it without an answer', async () => {
  for (const [asked, isFinal] of [
    ["SELECT a, p.n FROM input WHERE a = 'x'", false],
    ["SELECT a FROM input WHERE a = 'x' AND (p->>'n') = 'y'", false],
    ["SELECT a FROM input WHERE a = 'x'", true],
  ] as const) {
    const command: AnyCommand = sql;
    const parsed = parseWords('transform sql', command, [asked]);
    if (parsed.help) throw new Error('it was asked for help');
    const step = await command.step!(testCall('transform sql', parsed.options, testContext(), parsed.args).call);
    let isLate = false;
    async function* input() {
      yield* batchesOf(['{"a":"x","p":{"n":"y"}}\n']);
      isLate = true;
      yield* batchesOf(['{"a":"x","p":"z"}\n']);
    }
    let early = 0;
    const answer = async () => {
      for await (const { count } of step(input())) if (!isLate) early += count;
    };
    await (isFinal ? answer() : expect(answer(), asked).rejects.toThrow(/DuckDB|does not fit/));
    expect(early, asked).toBe(isFinal ? 1 : 0);
  }
});
