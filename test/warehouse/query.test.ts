import { spawn } from 'node:child_process';
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import query from '../../src/commands/query.ts';
import { withDatabase } from '../../src/lib/duckdb/database.ts';
import { root } from '../house/bash.ts';
import { testCall, testContext } from '../support/context.ts';
import { linesOf, newHome, put } from './support.ts';

async function shownAs(home: string, sql: string): Promise<string> {
  const [line = ''] = await linesOf(home, `select ${sql} as v`);
  return line.slice('{"v":'.length, -1);
}

describe('a value as JSON', async () => {
  const home = newHome();
  await put(home, 't', [{ id: 1 }]);
  test.each([
    ['9223372036854775807', '9223372036854775807'],
    ['-170141183460469231731687303715884105727::hugeint', '-170141183460469231731687303715884105727'],
    ['340282366920938463463374607431768211455::uhugeint', '340282366920938463463374607431768211455'],
    ['12.10::decimal(10, 2)', '12.10'],
    ['-0.05::decimal(38, 20)', '-0.05000000000000000000'],
    ['0.1::double', '0.1'],
    ['1e300::double', '1e+300'],
    ['0.1::float', '0.1'],
    ['16777216::float', '16777216'],
    ["'nan'::double", '"NaN"'],
    ["'-infinity'::double", '"-Infinity"'],
    ['true', 'true'],
    ['null', 'null'],
    ['\'"q"\nü\'', '"\\"q\\"\\nü"'],
    ["date '2026-11-24'", '"2026-11-24"'],
    ["timestamp '2026-11-24 10:00:00'", '"2026-11-24T10:00:00Z"'],
    ["timestamp '2026-11-24 10:00:00.120'", '"2026-11-24T10:00:00.12Z"'],
    ["timestamptz '2026-11-24 10:00:00+02'", '"2026-11-24T08:00:00Z"'],
    ["timestamp '1969-12-31 23:59:59.5'", '"1969-12-31T23:59:59.5Z"'],
    ["timestamp_ns '2026-11-24 10:00:00.123456789'", '"2026-11-24T10:00:00.123456789Z"'],
    ["timestamp_s '2026-11-24 10:00:00'", '"2026-11-24T10:00:00Z"'],
    ["'infinity'::timestamp", '"infinity"'],
    ["time '10:00:00'", '"10:00:00"'],
    ['interval 90 minute', '"01:30:00"'],
    [
      "{'a': 1.50::decimal(4, 2), 'b': [1, null], 'c': {'d': 9007199254740993}}",
      '{"a":1.50,"b":[1,null],"c":{"d":9007199254740993}}',
    ],
    ["map {'x': date '2026-01-01'}", '{"x":"2026-01-01"}'],
    ["map {1: 'x'}", '[{"key":1,"value":"x"}]'],
    ['[1, 2]::integer[2]', '[1,2]'],
    ['union_value(n := 9007199254740993)', '9007199254740993'],
    ['(\'{"a" : 1.10,\' || chr(10) || \'"b":12345678901234567890}\')::json', '{"a" : 1.10, "b":12345678901234567890}'],
    ["'\\xAA\\x00'::blob", '"qgA="'],
    ["'0d5f2d6c-3b1f-4a7e-9d5e-0c9b7a1e2f3a'::uuid", '"0d5f2d6c-3b1f-4a7e-9d5e-0c9b7a1e2f3a"'],
    ["'b'::enum('a', 'b')", '"b"'],
    ["'101'::bit", '"101"'],
  ])('%s', async (sql, json) => {
    expect(await shownAs(home, sql)).toBe(json);
  });

  test('two columns of one name are told apart', async () => {
    expect(await linesOf(home, 'select 1 as a, 2 as a')).toEqual(['{"a":1,"a:1":2}']);
  });

  test('statements run in turn, and the SQL may come from stdin or a file', async () => {
    expect(await linesOf(home, 'create temp table x as select 1 as a; select * from x; select 2 as b')).toEqual([
      '{"a":1}',
      '{"b":2}',
    ]);
    const file = join(home, 'q.sql');
    writeFileSync(file, 'select 3 as c');
    for (const [args, options, input] of [
      [[], { file }, []],
      [[], {}, ['select 3', ' as c']],
      [['-'], {}, ['select 3 as c']],
    ] as const) {
      const context = testContext({ home, input: [...input] });
      await query.run?.(testCall('query', { memory: 2 ** 28, write: false, ...options }, context, [...args]).call as never);
      expect(Buffer.concat(context.written).toString()).toBe('{"c":3}\n');
    }
  });
});

test('a terminal is shown a table as wide as it is', async () => {
  const home = newHome();
  await put(home, 't', [
    { id: 1, name: 'short', amount: 5, note: null },
    { id: 22, name: 'a name that is far too long for a terminal of so few columns', amount: 12345, note: { a: 1 } },
  ]);
  const context = testContext({
    home,
    stdout: { isTerminal: true, columns: 50, isBehind: false, write: async (bytes) => void written.push(String(bytes)) },
  });
  const written: string[] = [];
  await query.run?.(testCall('query', { memory: 2 ** 28, write: false }, context, ['select * from t order by id']).call as never);
  expect(written.join('')).toBe(
    `id  name                           amount  note
──  ─────────────────────────────  ──────  ───────
 1  short                               5
22  a name that is far too long …   12345  {"a":1}
(2 rows)
`,
  );
});

test.each([
  ['selec 1', 2, 'Parser Error: syntax error at or near "selec"'],
  ['select * from nope', 2, 'Catalog Error'],
  ['select nope from t', 2, 'Binder Error'],
  ["select 'x'::integer", 65, 'Conversion Error'],
  ['create table x (a integer)', 2, 'read-only'],
])('%s ends with %i', async (sql, exit, message) => {
  const home = newHome();
  await put(home, 't', [{ id: 1 }]);
  await expect(linesOf(home, sql)).rejects.toMatchObject({ exit, message: expect.stringContaining(message) });
});

test('no warehouse: 78 and where it would be; a file that is none: said so', async () => {
  const home = newHome();
  await expect(linesOf(home, 'select 1')).rejects.toMatchObject({
    exit: 78,
    message: expect.stringContaining('warehouse.duckdb'),
  });
  await expect(linesOf(home, 'select 1', { to: 'postgres:x' })).rejects.toMatchObject({ exit: 2 });
  writeFileSync(join(home, 'warehouse.duckdb'), 'no database');
  await expect(linesOf(home, 'select 1')).rejects.toMatchObject({
    message: expect.stringContaining('not a valid DuckDB database'),
  });
});

test('the file is its owner’s alone, and nothing else is left beside it', async () => {
  const home = newHome();
  await put(home, 't', [{ id: 1 }]);
  expect(statSync(join(home, 'warehouse.duckdb')).mode & 0o777).toBe(0o600);
  expect(readdirSync(join(home, 'spool'))).toEqual([]);
  expect(readdirSync(home).sort()).toEqual(['spool', 'warehouse.duckdb']);
});

test('a query waits for a loader; a file that stays held is 75, and names who holds it', async () => {
  const home = newHome();
  await put(home, 't', [{ id: 1 }]);
  const { pid, ended } = await hold(home, 1500);
  const options = {
    path: join(home, 'warehouse.duckdb'),
    isReadOnly: true,
    memoryBytes: 2 ** 28,
    temporary: home,
    lockWaitMs: 300,
  };
  const notes: (string | undefined)[] = [];
  await expect(withDatabase({ ...options, onWait: (note) => notes.push(note) }, async () => {})).rejects.toMatchObject({
    exit: 75,
    message: expect.stringContaining(`held by process ${pid}`),
  });
  expect(notes[0]).toMatch(/^waiting: /);
  expect(notes.at(-1)).toBeUndefined();
  expect(await linesOf(home, 'select id from t')).toEqual(['{"id":1}']);
  await ended;
});

test('in one process two users of a file take turns', async () => {
  const home = newHome();
  const path = join(home, 'w.duckdb');
  const options = { path, isReadOnly: false, memoryBytes: 2 ** 28, temporary: home };
  let users = 0;
  const most = await Promise.all(
    Array.from({ length: 3 }, () =>
      withDatabase(options, async (database) => {
        users++;
        await database.run('create table if not exists t (a integer); insert into t values (1)');
        const seen = users;
        users--;
        return seen;
      }),
    ),
  );
  expect(most).toEqual([1, 1, 1]);
});

/** Another process that holds the file for so long, once it does. */
async function hold(home: string, ms: number) {
  const script = `
    const { DuckDBInstance } = await import('@duckdb/node-api');
    globalThis.kept = await DuckDBInstance.create(${JSON.stringify(join(home, 'warehouse.duckdb'))});
    console.log('held');
    setTimeout(() => process.exit(), ${ms});`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await new Promise((resolve) => child.stdout.once('data', resolve));
  return { pid: child.pid, ended };
}
