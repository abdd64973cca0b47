import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Batch } from '../../src/lib/lines.ts';
import { kinds } from '../../src/lib/table/kinds.ts';
import { Scanner } from '../../src/lib/table/scan.ts';

const seed = 20261124;

function scan(text: string | Buffer, options: { keys?: string[]; revision?: string } = {}) {
  const scanner = new Scanner({
    keys: options.keys ?? [],
    reserved: '_buda_commit',
    ...(options.revision ? { revision: options.revision } : {}),
  });
  const bytes = Buffer.from(text);
  const { pieces, count, rejected } = scanner.scan(Batch.ofBytes(bytes, 1));
  return { out: Buffer.concat(pieces), count, rejected, fields: scanner.fields, longest: scanner.longestBytes };
}

function kindOf(json: string): number | undefined {
  return scan(`{"f":${json}}\n`).fields[0]?.seen;
}

describe('the kind of a value', () => {
  const cases: [string, number, string?][] = [
    ['null', 0],
    ['true', kinds.boolean],
    ['0', kinds.small],
    ['-999999999999999', kinds.small],
    ['999999999999999', kinds.small],
    ['9007199254740992', kinds.small],
    ['9007199254740993', kinds.big],
    ['9223372036854775807', kinds.big],
    ['-9223372036854775808', kinds.big],
    ['9223372036854775808', kinds.huge],
    ['170141183460469231731687303715884105727', kinds.huge],
    ['170141183460469231731687303715884105728', kinds.text, '"170141183460469231731687303715884105728"'],
    ['19.99', kinds.double],
    ['-0.5', kinds.double],
    ['1.0', kinds.double],
    ['1e3', kinds.double],
    ['1E-300', kinds.double],
    ['0.1234567890123456', kinds.double],
    ['0.12345678901234568', kinds.double],
    ['0.12345678901234567', kinds.text, '"0.12345678901234567"'],
    ['0.123456789012345678', kinds.text, '"0.123456789012345678"'],
    ['12345678901234567.89', kinds.text, '"12345678901234567.89"'],
    ['1e400', kinds.text, '"1e400"'],
    ['1e-400', kinds.text, '"1e-400"'],
    ['0e400', kinds.double],
    ['"2026-11-24"', kinds.date],
    ['"2024-02-29"', kinds.date],
    ['"2026-02-29"', kinds.text],
    ['"2026-13-01"', kinds.text],
    ['"0000-01-01"', kinds.text],
    ['"2026-10-28.endive"', kinds.text],
    ['"2026-11-24T10:00:00Z"', kinds.time],
    ['"2026-11-24T10:00:00.123456Z"', kinds.time],
    ['"2026-11-24T10:00:00.1234567Z"', kinds.text],
    ['"2026-11-24T10:00:00+00:00"', kinds.time],
    ['"2026-11-24T10:00:00+02:00"', kinds.text],
    ['"2026-11-24T10:00:00"', kinds.text],
    ['"2026-11-24 10:00:00Z"', kinds.text],
    ['"2026-11-24T24:00:00Z"', kinds.text],
    ['"2026-11-24T10:00:60Z"', kinds.text],
    ['"2026-11-24T10:00:00.Z"', kinds.text],
    ['""', kinds.text],
    ['{}', kinds.nested],
    ['[1,{"a":[]}]', kinds.nested],
    ['[0.123456789012345678]', kinds.nested, '["0.123456789012345678"]'],
    ['{"a":1e3,"b":123456789012345678901234567890}', kinds.nested],
  ];
  test.each(cases)('%s', (json, kind, out) => {
    const result = scan(`{"f":${json}}\n`);
    expect(result.rejected).toEqual([]);
    expect(result.fields[0]?.seen).toBe(kind);
    expect(result.out.toString()).toBe(`{"f":${out ?? json}}\n`);
  });

  test('a number is small, big or huge as BigInt and Number have it', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 130n), max: 2n ** 130n }), (value) => {
        const kind = kindOf(String(value));
        const isIn = (bits: bigint) => value >= -(2n ** bits) && value < 2n ** bits;
        if (kind === kinds.small) expect(BigInt(Number(value))).toBe(value);
        else if (kind === kinds.big) expect(isIn(63n)).toBe(true);
        else expect(kind).toBe(isIn(127n) && value !== -(2n ** 127n) ? kinds.huge : kinds.text);
      }),
      { seed, numRuns: 500 },
    );
  });
});

describe('lines', () => {
  test('what JSON.parse takes is passed on byte for byte, and nothing else is', () => {
    const value = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.integer(),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.string({ unit: 'grapheme' }),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(fc.string(), tie('value'), { maxKeys: 3 }),
      ),
    })).value;
    const record = fc.dictionary(
      fc.string({ minLength: 1 }).filter((name) => !/[\0A-Z]/.test(name)),
      value,
      { maxKeys: 5 },
    );
    fc.assert(
      fc.property(
        record,
        fc.constantFrom(undefined, 1),
        fc.integer({ min: 0, max: 300 }),
        fc.integer({ min: 0, max: 255 }),
        (object, indent, place, byte) => {
          const line = Buffer.from(JSON.stringify(object, null, indent).replaceAll('\n', ' '));
          const good = scan(Buffer.concat([line, Buffer.from('\n')]));
          expect(good.rejected).toEqual([]);
          expect(good.out.subarray(0, -1)).toEqual(line);
          expect(good.fields.map(({ name }) => name).sort()).toEqual(Object.keys(JSON.parse(String(line))).sort());
          // One byte changed: accepted only if it is still JSON, and of UTF-8.
          if (byte === 0x0a || line.length === 0) return;
          const broken = Buffer.from(line);
          broken[1 + (place % Math.max(1, line.length - 1))] = byte;
          if (broken[0] !== 0x7b) return;
          const { rejected } = scan(Buffer.concat([broken, Buffer.from('\n')]));
          if (rejected.length === 0) {
            expect(() => JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(broken))).not.toThrow();
          } else if (/^not (JSON|UTF-8)/.test(rejected[0]?.reason ?? '')) {
            expect(() => JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(broken))).toThrow();
          }
        },
      ),
      { seed, numRuns: 1000 },
    );
  });

  test.each([
    ['{"a":1', 'not JSON'],
    ['{"a":01}', 'not JSON'],
    ['{"a":1.}', 'not JSON'],
    ['{"a":.5}', 'not JSON'],
    ['{"a":1e}', 'not JSON'],
    ['{"a":tru}', 'not JSON'],
    ['{"a":nan}', 'not JSON'],
    ['{"a":1,}', 'not JSON'],
    ['{"a":[1,]}', 'not JSON'],
    ['{"a":"\t"}', 'not JSON'],
    ['{"a":"\\x"}', 'not JSON'],
    ['{"a":1}{"b":2}', 'not JSON'],
    ["{'a':1}", 'not JSON'],
    ['{"a":"\\ud800"}', 'half a surrogate pair'],
    ['{"a":1,"a":2}', '"a" stands in it twice'],
    ['{"a":1,"\\u0061":2}', '"a" stands in it twice'],
    ['{"a":1,"A":2}', 'differ in case alone'],
    ['{"":1}', 'no name'],
    ['{"a\\u0000":1}', 'a NUL'],
    ['{"_BUDA_commit":1}', 'may be named'],
    [`{"a":${'['.repeat(2000)}${']'.repeat(2000)}}`, 'nested too deeply'],
  ])('%.40s is rejected', (line, reason) => {
    const { rejected, out } = scan(`{"ok":1}\n${line}\n{"ok":2}\n`);
    expect(rejected).toEqual([{ index: 1, reason: expect.stringContaining(reason) }]);
    expect(out.toString()).toBe('{"ok":1}\n{"ok":2}\n');
  });

  test('a rejected line leaves no trace in the columns', () => {
    const { fields, rejected } = scan('{"id":1,"a":1}\n{"a":"text","b":[]}\n', { keys: ['id'] });
    expect(rejected).toHaveLength(1);
    expect(fields).toMatchObject([
      { name: 'id', seen: kinds.small },
      { name: 'a', seen: kinds.small },
    ]);
  });

  test('bytes that are not UTF-8 are rejected in their line alone', () => {
    const { rejected, count } = scan(
      Buffer.concat([Buffer.from('{"a":"é"}\n{"a":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}\n{"a":"ü"}\n')]),
    );
    expect(rejected).toEqual([{ index: 1, reason: 'not UTF-8' }]);
    expect(count).toBe(2);
  });

  test('keys must be there, and be a text or a number', () => {
    for (const id of ['null', '{}', '[1]']) expect(scan(`{"id":${id}}\n`, { keys: ['id'] }).rejected).toHaveLength(1);
    for (const id of ['1', '"a"', '1.5', 'true', '""']) expect(scan(`{"id":${id}}\n`, { keys: ['id'] }).rejected).toEqual([]);
    expect(scan('{"ID":1}\n', { keys: ['id'] }).rejected[0]?.reason).toMatch(/^it has no "id".*--key.*--append/);
  });

  test('a revision must be a whole number', () => {
    for (const text of ['1', 'null', '12345678901234567'])
      expect(scan(`{"revision":${text}}\n`, { revision: 'revision' }).rejected).toEqual([]);
    for (const text of ['1.5', '"1"', '[]', 'true'])
      expect(scan(`{"revision":${text}}\n`, { revision: 'revision' }).rejected).toHaveLength(1);
  });

  test('the longest line is known, quotes that were added counted in', () => {
    expect(scan('{"a":1}\n{"a":123}\n').longest).toBe(10);
    const { out, longest } = scan(`{"a":1e400}\n`);
    expect(longest).toBeGreaterThanOrEqual(out.length);
  });
});
