import { createHmac } from 'node:crypto';
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import flatten from '../../src/commands/transform/flatten.ts';
import hash from '../../src/commands/transform/hash.ts';
import { pipe } from './pipe.ts';

const folder = mkdtempSync(join(tmpdir(), 'buda-splice-'));
const secret = 'a secret of 32 bytes, or so, oh.';
const key = join(folder, 'key');
writeFileSync(key, `${secret}\n`, { mode: 0o600 });

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Objects whose names meet often, in all the ways in which JSON can be written. */
const name = fc.constantFrom('a', 'b', 'a_b', 'b_2', 'a_b_2', 'é', '"', '\\', '__proto__', '', 'x y');
const { object } = fc.letrec<{ object: Json; value: unknown }>((tie) => ({
  object: fc.dictionary(name, tie('value'), { maxKeys: 5, noNullPrototype: true }) as fc.Arbitrary<Json>,
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(null, true, '', 'ü"\\\n✓', -1.5, 1e21),
    fc.array(tie('value'), { maxLength: 3 }),
    tie('object'),
  ),
}));
const written = fc.tuple(object, fc.constantFrom(undefined, ' ', '\t')).map(([value, blanks]) => {
  const text = JSON.stringify(value, undefined, blanks).replaceAll('\n', blanks === '\t' ? '\r' : ' ');
  return { value, line: blanks === ' ' ? text.replaceAll('é', '\\u00e9').replaceAll('"a"', '"\\u0061"') : text };
});

/** What flatten promises, on parsed values: each path's name, the least deep first where they meet. */
function columnsOf(value: Json, separator: string, depth: number): Map<string, unknown> {
  const found: { name: string; level: number; value: unknown }[] = [];
  const walk = (at: Json, prefix: string, level: number) => {
    for (const [field, inner] of Object.entries(at)) {
      if (isObject(inner) && level < depth && Object.keys(inner).length > 0) walk(inner, prefix + field + separator, level + 1);
      else
        found.push({
          name: prefix + field,
          level,
          value: typeof inner === 'object' && inner !== null ? JSON.stringify(inner) : inner,
        });
    }
  };
  walk(value, '', 0);
  const taken = new Set(found.map((one) => one.name));
  for (const one of taken) {
    const [, ...others] = found.filter((other) => other.name === one).sort((a, b) => a.level - b.level);
    let number = 2;
    for (const other of others) {
      while (taken.has(`${one}${separator}${number}`)) number++;
      other.name = `${one}${separator}${number}`;
      taken.add(other.name);
    }
  }
  return new Map(found.map((one) => [one.name, one.value]));
}

describe('buda transform flatten', () => {
  const flat = (words: string[], lines: string[]) =>
    pipe('transform flatten', flatten, words, [lines.map((line) => `${line}\n`).join('')]);

  it('gives a column for each path, whatever the JSON', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(written, { minLength: 1, maxLength: 6 }),
        fc.constantFrom('_', '.', '"'),
        fc.constantFrom(0, 1, 9),
        async (all, separator, depth) => {
          const { lines } = await flat(
            ['--separator', separator, '--depth', String(depth)],
            all.map(({ line }) => line),
          );
          expect(lines.length).toBe(all.length);
          for (const [i, { value }] of all.entries()) {
            const row = JSON.parse(lines[i]!) as Json;
            // What was kept as JSON text is compared by its value: it stays as it was written.
            const plain = (json: unknown) => (typeof json === 'string' && /^[[{]/.test(json) ? JSON.parse(json) : json);
            const expected = [...columnsOf(value, separator, depth)].map(([column, json]) => [column, plain(json)]);
            expect(Object.entries(row).map(([column, json]) => [column, plain(json)])).toEqual(expected);
          }
        },
      ),
      { seed: 20261124, numRuns: 300 },
    );
  });

  it('keeps what it does not change as it is written', async () => {
    const { lines } = await flat(
      [],
      [
        '{"n":12345678901234567890, "f":1.0}',
        '{"a":{"n":12345678901234567890,"f":-0.0,"s":"\\u00e9"},"l":[1.0, {"x":"\\""}],"o":{}}',
        '{"a":{"b":1},"a":{"c":2}}',
      ],
    );
    expect(lines).toEqual([
      '{"n":12345678901234567890, "f":1.0}',
      '{"a_n":12345678901234567890,"a_f":-0.0,"a_s":"\\u00e9","l":"[1.0, {\\"x\\":\\"\\\\\\"\\"}]","o":"{}"}',
      '{"a_b":1,"a_c":2}',
    ]);
  });

  it('tells where names met', async () => {
    const { lines, said } = await flat([], ['{"user":{"id":1},"user_id":2}', '{"user_id":3,"user":{"id":4},"user_id_2":5}']);
    expect(lines).toEqual(['{"user_id_2":1,"user_id":2}', '{"user_id":3,"user_id_3":4,"user_id_2":5}']);
    expect(said).toEqual(['several fields come to the name user_id in 2 records: another --separator keeps them apart']);
  });

  it('rejects what is nested too deeply, in time that grows straight', async () => {
    const deep = `${'{"a":'.repeat(200_000)}1${'}'.repeat(200_000)}`;
    const { lines, letters } = await pipe('transform flatten', flatten, [], [`${deep}\n{"a":{"b":1}}\n`], { keep: true });
    expect(lines).toEqual(['{"a_b":1}']);
    expect(letters.map(({ reason }) => reason)).toEqual(['nested too deeply']);
    const list = `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    expect((await flat([], [list])).lines[0]?.length).toBe(list.length + 2);
  });
});

describe('buda transform hash', () => {
  const digest = (text: string) => createHmac('sha256', secret).update(text).digest('hex');
  const run = (fields: string[], line: string, file = key) => {
    const words = [...fields.flatMap((field) => ['--field', field]), '--key-file', file];
    return pipe('transform hash', hash, words, [`${line}\n`]);
  };

  it('puts the HMAC of a value in its place, and leaves the rest as it is written', async () => {
    const line =
      '{"email" : "ada@example.com","n":1.0, "u":{"email":"\\u0061da@example.com","x":[1 ,2]},"big":12345678901234567890}';
    const { lines } = await run(['email', 'u.email'], line);
    const ada = digest('ada@example.com');
    expect(lines).toEqual([`{"email" : "${ada}","n":1.0, "u":{"email":"${ada}","x":[1 ,2]},"big":12345678901234567890}`]);
    expect((await run(['big', 'u'], line)).lines[0]).toContain(
      `"u":"${digest('{"email":"\\u0061da@example.com","x":[1 ,2]}')}","big":"${digest('12345678901234567890')}"`,
    );
  });

  it('finds elements and members by *', async () => {
    const line = '{"contacts":[{"email":"a"},{"email":null},{"mail":"b"},"c"],"by":{"x":{"email":"d"},"y":{"email":"é"}}}';
    expect((await run(['contacts.*.email', 'by.*.email'], line)).lines).toEqual([
      `{"contacts":[{"email":"${digest('a')}"},{"email":null},{"mail":"b"},"c"],"by":{"x":{"email":"${digest('d')}"},"y":{"email":"${digest('é')}"}}}`,
    ]);
    expect((await run(['contacts.*', 'contacts'], line)).lines[0]).toContain(
      `{"contacts":"${digest('[{"email":"a"},{"email":null},{"mail":"b"},"c"]')}"`,
    );
  });

  it('hashes what a path leads to, whatever the JSON', async () => {
    const paths = ['a', 'b.a', 'é.*', '*.*.a', 'a_b.b'];
    const spoil = (value: unknown, active: string[][]): unknown => {
      if (Array.isArray(value)) return value.map((one) => visit(one, '', active, true));
      if (!isObject(value)) return value;
      return Object.fromEntries(Object.entries(value).map(([field, one]) => [field, visit(one, field, active, false)]));
    };
    const visit = (value: unknown, field: string, active: string[][], isElement: boolean): unknown => {
      const next = active.filter(([part]) => part === '*' || (!isElement && part === field)).map(([, ...rest]) => rest);
      if (next.some((rest) => rest.length === 0))
        return value === null ? null : digest(typeof value === 'string' ? value : JSON.stringify(value));
      return spoil(value, next);
    };
    await fc.assert(
      fc.asyncProperty(object, async (value) => {
        const { lines } = await run(paths, JSON.stringify(value));
        expect(JSON.parse(lines[0]!)).toEqual(
          spoil(
            value,
            paths.map((path) => path.split('.')),
          ),
        );
      }),
      { seed: 20261124, numRuns: 300 },
    );
  });

  it('warns of a key that others can read, and of a field that no record has', async () => {
    const open = join(folder, 'open');
    writeFileSync(open, secret);
    chmodSync(open, 0o644);
    expect((await run(['emial'], '{"email":"x"}', open)).said).toEqual([
      `others can read ${open}: chmod 600 ${open}`,
      'no record had emial: nothing was hashed',
    ]);
  });

  it('refuses a key that can be guessed, and none', async () => {
    const short = join(folder, 'short');
    writeFileSync(short, 'hunter2\n', { mode: 0o600 });
    await expect(run(['a'], '{}', short)).rejects.toMatchObject({ exit: 78 });
    await expect(run(['a'], '{}', join(folder, 'none'))).rejects.toMatchObject({ exit: 78 });
    await expect(run([], '{}')).rejects.toMatchObject({ exit: 2 });
  });
});
