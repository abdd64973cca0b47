import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import validate from '../../src/commands/transform/validate.ts';
import { linesOf, pipe } from './pipe.ts';

const folder = mkdtempSync(join(tmpdir(), 'buda-validate-'));
let files = 0;

function fileOf(schema: unknown, name = `${files++}.json`): string {
  writeFileSync(join(folder, name), typeof schema === 'string' ? schema : JSON.stringify(schema));
  return join(folder, name);
}

async function check(words: string[], records: object[]) {
  const { lines, letters } = await pipe('transform validate', validate, words, [linesOf(records)], { keep: true });
  return { passed: lines.map((line) => JSON.parse(line) as unknown), reasons: letters.map(({ reason }) => reason) };
}

describe('buda transform validate', () => {
  it('lets through, byte for byte, what the schema allows, and says what it does not', async () => {
    const schema = fileOf({
      $schema: 'http://json-schema.org/draft-07/schema#',
      required: ['id'],
      properties: { id: { type: 'string', pattern: '^e_' }, n: { maximum: 9 } },
      additionalProperties: { type: 'integer' },
    });
    const good = '{"id":"e_1", "n":1.0, "long":12345678901234567890}\n';
    expect((await pipe('transform validate', validate, ['--schema', schema], [good])).text).toBe(good);
    const { reasons } = await check(
      ['--schema', schema],
      [{ id: 'x@secret' }, { n: 1 }, { id: 'e_1', n: 10 }, { id: 'e_1', 'my@secret': 'x' }],
    );
    expect(reasons).toEqual([
      'must match pattern "^e_" (#/properties/id/pattern)',
      "must have required property 'id' (#/required)",
      'must be <= 9 (#/properties/n/maximum)',
      'must be integer (#/additionalProperties/type)',
    ]);
  });

  it('knows the drafts', async () => {
    const seven = fileOf({
      $schema: 'http://json-schema.org/draft-07/schema#',
      properties: { a: { items: [{ type: 'string' }] } },
    });
    const latest = fileOf({ properties: { a: { prefixItems: [{ type: 'string' }] } }, unevaluatedProperties: false });
    const middle = fileOf({ $schema: 'https://json-schema.org/draft/2019-09/schema', dependentRequired: { a: ['b'] } });
    expect((await check(['--schema', seven], [{ a: [1] }])).reasons).toEqual(['must be string (#/properties/a/items/0/type)']);
    expect((await check(['--schema', latest], [{ a: [1] }, { b: 1 }])).reasons).toEqual([
      'must be string (#/properties/a/prefixItems/0/type)',
      'must NOT have unevaluated properties (#/unevaluatedProperties)',
    ]);
    expect((await check(['--schema', middle], [{ a: 1 }, { a: 1, b: 1 }])).passed).toEqual([{ a: 1, b: 1 }]);
  });

  it('checks the formats that it names, and takes others as notes', async () => {
    const formats = { t: 'date-time', d: 'date', e: 'email', u: 'uuid', l: 'uri', x: 'of-our-own' };
    const schema = fileOf({
      properties: Object.fromEntries(Object.entries(formats).map(([name, format]) => [name, { format }])),
    });
    const good = [
      { t: '2026-11-24T10:00:00Z' },
      { t: '2026-11-24T23:59:60.5+05:30' },
      { d: '2024-02-29' },
      { e: 'a@b' },
      { u: '0e8dddc7-9ebf-41f3-b08a-5a3f91f1c3c0' },
      { l: 'https://x.y' },
      { x: '?' },
    ];
    const bad = [
      { t: '2026-13-24T10:00:00Z' },
      { t: '2026-11-24T24:00:00Z' },
      { t: '2026-11-24T10:60:00Z' },
      { t: '2026-11-24T10:00:00+24:00' },
      { d: '2023-02-29' },
      { e: 'a' },
      { u: 'x' },
      { l: '/path' },
    ];
    const { passed, reasons } = await check(['--schema', schema], [...good, ...bad]);
    expect(passed).toEqual(good);
    expect(reasons.length).toBe(bad.length);
  });

  it('knows which days there are', async () => {
    const two = (number: number) => String(number).padStart(2, '0');
    const days: string[] = [];
    for (const year of ['0000', '1900', '2000', '2023', '2024']) {
      for (let month = 0; month <= 13; month++)
        for (let day = 0; day <= 32; day++) days.push(`${year}-${two(month)}-${two(day)}`);
    }
    const isDay = (day: string) => {
      const date = new Date(`${day}T00:00:00Z`);
      return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day);
    };
    const schema = fileOf({ properties: { d: { format: 'date' } } });
    const { passed } = await check(
      ['--schema', schema],
      days.map((d) => ({ d })),
    );
    expect(passed).toEqual(days.filter(isDay).map((d) => ({ d })));
  });

  it('has a schema for each type in a folder, which may refer to each other', async () => {
    const types = join(folder, 'types');
    mkdirSync(types);
    writeFileSync(join(types, 'page_viewed.json'), '{"properties":{"user":{"$ref":"user.json"}}}');
    writeFileSync(join(types, 'signed.up.json'), '{"required":["plan"]}');
    writeFileSync(join(types, 'user.json'), '{"type":"object","required":["id"]}');
    const page = { type: 'page_viewed', user: { id: 1 } };
    const words = ['--schema', types];
    const records = [page, { type: 'page_viewed', user: {} }, { type: 'signed.up' }, { type: '../types/user' }, { type: 5 }, {}];
    expect(await check(words, records)).toEqual({
      passed: [page],
      reasons: [
        "must have required property 'id' (user.json/required)",
        "must have required property 'plan' (#/required)",
        ...Array(3).fill('its type has no schema'),
      ],
    });
    expect((await check([...words, '--unknown', 'pass'], records)).passed).toEqual([page, ...records.slice(3)]);
    expect((await check([...words, '--type-field', 'kind'], [{ kind: 'signed.up', plan: 1 }])).passed.length).toBe(1);
  });

  it('refuses what is no schema', async () => {
    const bad = [
      '{',
      '[]',
      { type: 'text' },
      { $schema: 'http://json-schema.org/draft-04/schema#' },
      { $ref: 'https://elsewhere/x.json' },
      { $async: true },
    ];
    for (const schema of bad) await expect(check(['--schema', fileOf(schema)], [{}])).rejects.toMatchObject({ exit: 78 });
    await expect(check(['--schema', join(folder, 'none.json')], [{}])).rejects.toMatchObject({ exit: 78 });
    await expect(check([], [{}])).rejects.toMatchObject({ exit: 2 });
  });
});
