import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { linesOf, newHome, put, rowsOf } from './support.ts';

const seed = 20261124;

async function typesOf(home: string, table = 't') {
  return Object.fromEntries((await rowsOf(home, `describe ${table}`)).map((row) => [row.column_name, row.column_type]));
}

test('every kind of value comes back as it went in', async () => {
  const home = newHome();
  const line =
    '{"id":"a","yes":true,"whole":9007199254740993,"least":-9223372036854775808,"huge":170141183460469231731687303715884105727,"price":19.99,"tiny":5e-324,"day":"2026-11-24","at":"2026-11-24T10:00:00.5Z","text":"é\\u0000\\n\\"😀","nothing":null,"object":{"n":9007199254740993,"x":[1.5,null,"ü"],"empty":{}},"list":[],"exact":"12345678901234567890.123456789","rowid":7,"filename":"f","we \\"ird":"q"}';
  await put(home, 't', [`${line}\n`]);
  expect(await linesOf(home, 'select * from t')).toEqual([line.replace('5e-324', '5e-324')]);
  expect(await typesOf(home)).toEqual({
    id: 'VARCHAR',
    yes: 'BOOLEAN',
    whole: 'BIGINT',
    least: 'BIGINT',
    huge: 'HUGEINT',
    price: 'DOUBLE',
    tiny: 'DOUBLE',
    day: 'DATE',
    at: 'TIMESTAMP',
    text: 'VARCHAR',
    nothing: 'VARCHAR',
    object: 'JSON',
    list: 'JSON',
    exact: 'VARCHAR',
    rowid: 'BIGINT',
    filename: 'VARCHAR',
    'we "ird': 'VARCHAR',
  });
});

describe('a column widens without losing a digit', () => {
  const cases: [before: string, after: string, type: string, shown: [string, string]][] = [
    ['1', '9223372036854775808', 'HUGEINT', ['1', '9223372036854775808']],
    ['9007199254740992', '0.5', 'DOUBLE', ['9007199254740992', '0.5']],
    ['9007199254740993', '0.5', 'VARCHAR', ['"9007199254740993"', '"0.5"']],
    ['0.5', '9007199254740993', 'VARCHAR', ['"0.5"', '"9007199254740993"']],
    ['0.5', '0.123456789012345678', 'VARCHAR', ['"0.5"', '"0.123456789012345678"']],
    ['9223372036854775808', '0.5', 'VARCHAR', ['"9223372036854775808"', '"0.5"']],
    ['1', '"one"', 'VARCHAR', ['"1"', '"one"']],
    ['"one"', '1', 'VARCHAR', ['"one"', '"1"']],
    ['true', '1', 'VARCHAR', ['"true"', '"1"']],
    ['"2026-11-24"', '"2026-11-24T10:00:00Z"', 'VARCHAR', ['"2026-11-24"', '"2026-11-24T10:00:00Z"']],
    ['"2026-11-24T10:00:00.25Z"', '"soon"', 'VARCHAR', ['"2026-11-24T10:00:00.25Z"', '"soon"']],
    ['"2026-11-24T10:00:00Z"', '"soon"', 'VARCHAR', ['"2026-11-24T10:00:00Z"', '"soon"']],
    ['1', '{"a":1}', 'JSON', ['1', '{"a":1}']],
    ['"x"', '[1]', 'JSON', ['"x"', '[1]']],
    ['"2026-11-24T10:00:00Z"', '[1]', 'JSON', ['"2026-11-24T10:00:00Z"', '[1]']],
    ['{"a":1}', '"x"', 'JSON', ['{"a":1}', '"x"']],
    ['null', '1', 'BIGINT', ['null', '1']],
    ['null', '"2026-11-24"', 'DATE', ['null', '"2026-11-24"']],
    ['null', '{"a":1}', 'JSON', ['null', '{"a":1}']],
  ];
  const home = newHome();
  test.each(cases.map((one, i) => [...one, `t${i}`] as const))('%s, then %s: %s', async (before, after, type, shown, table) => {
    const lines = [`{"id":1,"v":${before}}\n`, `{"id":2,"v":${after}}\n`];
    // In two loads, and in one: the column is the same.
    await put(home, table, [lines[0] as string]);
    await put(home, table, [lines[1] as string]);
    await put(home, `${table}_at_once`, lines);
    for (const name of [table, `${table}_at_once`]) {
      expect((await typesOf(home, name)).v).toBe(type);
      expect(await linesOf(home, `select v from ${name} order by id`)).toEqual(shown.map((value) => `{"v":${value}}`));
    }
  });

  test('and the change is kept', async () => {
    const home = newHome();
    await put(home, 't', [{ id: 1, v: 1, open: null }]);
    await put(home, 't', [{ id: 2, v: 'x', open: 2, more: true }]);
    expect(await rowsOf(home, 'select column_name, change, from_type, to_type from _buda_meta order by number')).toEqual([
      { column_name: 'id', change: 'added', from_type: null, to_type: 'BIGINT' },
      { column_name: 'v', change: 'added', from_type: null, to_type: 'BIGINT' },
      { column_name: 'open', change: 'added', from_type: null, to_type: 'VARCHAR' },
      { column_name: 'v', change: 'widened', from_type: 'BIGINT', to_type: 'VARCHAR' },
      { column_name: 'open', change: 'widened', from_type: 'VARCHAR', to_type: 'BIGINT' },
      { column_name: 'more', change: 'added', from_type: null, to_type: 'BOOLEAN' },
    ]);
  });
});

test('random columns of any values, in random loads, hold each value exactly', async () => {
  const scalar = fc.oneof(
    fc.constant('null'),
    fc.boolean().map(String),
    fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(String),
    fc.integer({ min: -5, max: 5 }).map(String),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
    fc.constantFrom('"2026-11-24"', '"2026-11-24T10:00:00Z"', '"x"', '""', '"1"', '{"a":1}', '[]', '1.25', '100'),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(scalar, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 3 }),
      async (loads) => {
        const home = newHome();
        let id = 0;
        for (const load of loads) await put(home, 't', [load.map((value) => `{"id":${id++},"v":${value}}\n`).join('')]);
        const type = (await typesOf(home)).v as string;
        const shown = (await linesOf(home, 'select v from t order by id')).map((line) => line.slice('{"v":'.length, -1));
        for (const [i, value] of loads.flat().entries()) {
          // A column of text shows what was no text as its JSON.
          const expected = type === 'VARCHAR' && !/^("|null)/.test(value) ? JSON.stringify(value) : value;
          const isSame =
            shown[i] === expected ||
            (isNumber(value) && Number(unquoted(shown[i])) === Number(value) && digits(unquoted(shown[i])) === digits(value));
          expect(isSame, `${value} came back as ${shown[i]} from ${type}`).toBe(true);
        }
      },
    ),
    { seed, numRuns: 10 },
  );

  function isNumber(value: string) {
    return /^-?\d/.test(value);
  }
  function unquoted(value = '') {
    return value.replaceAll('"', '');
  }
  /** The significant digits: 1e3, 1000 and 1000.0 have the same. */
  function digits(value: string) {
    return value
      .replace(/[eE].*$/, '')
      .replace(/\D/g, '')
      .replace(/^0+|0+$/g, '');
  }
}, 60_000);

describe('a table that somebody else made', () => {
  async function made(sql: string) {
    const home = newHome();
    await put(home, 'other', [{ id: 1 }]);
    await linesOf(home, sql, { write: true });
    return home;
  }

  test('keeps its types where every value stays what it is', async () => {
    const home = await made(
      'create table t (id varchar primary key, n integer, price decimal(10, 2), "at" timestamptz, u uuid, tags varchar[])',
    );
    const record = { id: 'a', n: 7, price: 19.99, at: '2026-11-24T10:00:00Z', u: '0d5f2d6c-3b1f-4a7e-9d5e-0c9b7a1e2f3a' };
    await put(home, 't', [record, { ...record, id: 'b' }]);
    await put(home, 't', [{ ...record, n: 8 }]);
    expect(await rowsOf(home, 'select * from t order by id')).toEqual([
      { ...record, n: 8, tags: null },
      { ...record, id: 'b', tags: null },
    ]);
    expect((await typesOf(home)).price).toBe('DECIMAL(10,2)');
  });

  test.each([
    ['n', 2147483648],
    ['n', 1.5],
    ['price', 19.999],
    ['u', 'no uuid'],
  ])('refuses by name what %s cannot hold: %s', async (name, value) => {
    const home = await made('create table t (id varchar, n integer, price decimal(10, 2), u uuid)');
    await expect(put(home, 't', [{ id: 'a', [name]: value }])).rejects.toMatchObject({
      exit: 65,
      message: expect.stringContaining(`the column "${name}" of t is`),
      remedy: expect.stringContaining('alter table'),
    });
    expect(await rowsOf(home, 'select * from t')).toEqual([]);
  });

  test('a column of another case is refused by name', async () => {
    const home = await made('create table t ("Id" bigint, id2 bigint)');
    await expect(put(home, 't', [{ id: 1 }])).rejects.toMatchObject({
      exit: 65,
      message: expect.stringMatching(/"id".*"Id".*case/),
    });
  });

  test('a view, and a constraint, are named', async () => {
    const home = await made('create view v as select 1 as id; create table strict (id bigint, n bigint not null)');
    await expect(put(home, 'v', [{ id: 1 }])).rejects.toMatchObject({
      exit: 78,
      message: expect.stringContaining('v is a view'),
    });
    await expect(put(home, 'strict', [{ id: 1 }])).rejects.toMatchObject({
      exit: 65,
      message: expect.stringContaining('Constraint Error'),
    });
    await expect(put(home, '_buda_checkpoints', [{ id: 1 }])).rejects.toMatchObject({ exit: 2 });
  });
});
