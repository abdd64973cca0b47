import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { identifier } from '../src/lib/dedupe/identity.ts';
import { Mac } from '../src/lib/dedupe/mac.ts';
import { Batch, type JsonObject, Line, parseRecord } from '../src/lib/lines.ts';
import { Scanner } from '../src/lib/scan.ts';
import { keyReader } from '../src/lib/stream/keys.ts';
import { record, spoiltRecord } from './support/json-text.ts';

const paths = ['id', 'revision', 'a.b', 'a.c.d', 'customer', 'é.ü'];

/** What the full parse says of a path: JSON.parse gives the last of two fields of one name. */
function valueAt(record: JsonObject, path: string): unknown {
  let value: unknown = record;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as JsonObject)[name];
  }
  return value;
}

/** Scans a line as it stands in a block, between two others, and holds the answers to the full parse. Gives whether the scan answered. */
function check(scanner: Scanner, line: Buffer): boolean {
  const before = Buffer.from('{"id":"before"}\n');
  const block = Buffer.concat([before, line, Buffer.from('\n{"id":"after"}\n')]);
  const end = before.length + line.length;
  if (!scanner.scan(block, before.length, end)) return false;
  const record = parseRecord(line);
  for (const [i, path] of paths.entries()) {
    const [from, to] = [scanner.starts[i] as number, scanner.ends[i] as number];
    const expected = valueAt(record, path);
    if (from < 0) {
      expect(expected, path).toBeUndefined();
      continue;
    }
    const text = block.toString('utf8', from, to);
    expect(JSON.parse(text), path).toEqual(expected);
    if (typeof expected === 'string') {
      expect(scanner.escaped[i] === 1, path).toBe(text.includes('\\'));
      if (scanner.escaped[i] === 0) expect(text.slice(1, -1)).toBe(expected);
    }
  }
  expect(scanner.isAscii).toBe(!line.some((byte) => byte >= 0x80));
  return true;
}

describe('the scanner is held to the full parse', () => {
  test('on any record: it answers as the parse does, or leaves it to the parse', () => {
    const scanner = new Scanner(paths);
    let answered = 0;
    fc.assert(
      fc.property(record, (text) => {
        if (check(scanner, Buffer.from(text))) answered++;
      }),
      { seed: 20261125, numRuns: 3000 },
    );
    // It would be right to leave all of them, and of no use.
    expect(answered).toBeGreaterThan(1000);
  });

  test('fuzz: bytes changed, cut out and put in at random: what is no record is never answered', () => {
    const scanner = new Scanner(paths);
    let refused = 0;
    fc.assert(
      fc.property(spoiltRecord, (line) => {
        if (!check(scanner, line)) refused++;
      }),
      { seed: 20261126, numRuns: 6000 },
    );
    expect(refused).toBeGreaterThan(1000);
  });

  test.each([
    ['{"id":"x"}', true],
    ['{"id":"x"}\r', true],
    ['{"id":"x"}x', false],
    ['{"id":"x"', false],
    ['{"id":"x",}', false],
    ['{"id":01}', false],
    ['{"id":1.}', false],
    ['{"id":-}', false],
    ['{"id":1e}', false],
    ['{"id":tru}', false],
    ['{"id":"\t"}', false],
    ['{"id":"\\x"}', false],
    ['{"id":"\\u00g0"}', false],
    ['{"\\u0069d":"x"}', false],
    ['{"id":"x","id":"y"}', false],
    ['{"a":{"b":1},"a":{"b":2}}', false],
    ['{"a":[1]}', false],
    ['{"other":[1,[2,{}],{"id":[]}]}', true],
    ['[{"id":"x"}]', false],
    [' {"id":"x"}', false],
    ['{"id" "x"}', false],
    ['{"id":"x"]', false],
    ['{}', true],
    ['', false],
  ])('%s: %s', (line, answered) => {
    const scanner = new Scanner(paths);
    expect(check(scanner, Buffer.from(line))).toBe(answered);
  });

  test('bytes that are not UTF-8 are left to the parse, which rejects them', () => {
    expect(check(new Scanner(paths), Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))).toBe(false);
  });

  test('a line at the end of its block, without a newline, is read to its end and no further', () => {
    const scanner = new Scanner(['id']);
    for (const text of ['{"id":12}', '{"id":12', '{"id":"12', '{"id":"1\\', '{"id":tr', '{"id"', '{']) {
      const bytes = Buffer.from(text);
      expect(scanner.scan(bytes, 0, bytes.length), text).toBe(text === '{"id":12}');
    }
  });

  test('nesting deeper than it follows is left to the parse', () => {
    const nested = (depth: number) => Buffer.from(`{"x":${'['.repeat(depth)}${']'.repeat(depth)},"id":1}`);
    expect(check(new Scanner(paths), nested(20))).toBe(true);
    expect(check(new Scanner(paths), nested(200))).toBe(false);
  });

  test('a path cannot be wanted twice', () => {
    expect(() => new Scanner(['id', 'id'])).toThrow('wanted twice');
  });
});

const mac = new Mac(Buffer.alloc(16, 7));
function identityOf(paths: string[]): (line: Line) => string | undefined {
  const identify = identifier(paths);
  return (line) => (identify(line, mac) ? mac.tag.join() : undefined);
}

describe('what is read out of the bytes is what the parsed record has', () => {
  const readers = {
    'a partition key': keyReader('id'),
    'a partition key inside': keyReader('a.b'),
    'an identity': identityOf([]),
    'an identity at a path': identityOf(['a.b']),
  };
  test.each(Object.entries(readers))('%s', (_, read) => {
    fc.assert(
      fc.property(record, (text) => {
        const [line] = Batch.ofBytes(Buffer.from(`${text}\n`), 1).lines as [Line];
        // A record that a step made has no bytes to be read out of.
        expect(read(line)).toBe(read(Line.written(text)));
      }),
      { seed: 20261127, numRuns: 1500 },
    );
  });
});
