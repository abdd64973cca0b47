import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Identifier } from '../src/lib/dedupe/identity.ts';
import { Mac } from '../src/lib/dedupe/mac.ts';
import { KeyReader } from '../src/lib/keys.ts';
import { Batch, type JsonObject, Line, parseRecord } from '../src/lib/lines.ts';
import { Scanner } from '../src/lib/scan.ts';
import { ScanWindow } from '../src/lib/scan-window.ts';
import { bash, environmentIn, temporary } from './house/bash.ts';
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

/** A scanner that looks ahead from its next line on. */
function warmed(): Scanner {
  const scanner = new Scanner(paths);
  for (let i = 0; i < 64; i++) expect(scanner.scanFrom(Buffer.from('{"id":"x"}\n'), 0)).toBe(10);
  return scanner;
}

const answersOf = ({ starts, ends, escaped, isAscii }: Scanner) => [
  ...[...starts].map((from, i) => (from < 0 ? from : [from, ends[i], escaped[i]])),
  isAscii,
];

/**
 * Scans a line as it stands in a block, between two others, and holds the answers to the full parse, and those of the scanner that looks ahead to
 * them. Gives whether the scan answered.
 */
function check(scanner: Scanner, line: Buffer, ahead = warmed()): boolean {
  const before = Buffer.from('{"id":"before"}\n');
  const block = Buffer.concat([before, line, Buffer.from('\n{"id":"after"}\n')]);
  const end = before.length + line.length;
  const isRecord = scanner.scan(block, before.length, end);
  expect(ahead.scanFrom(block, 0)).toBe(before.length - 1);
  expect(ahead.isRecord).toBe(true);
  expect(ahead.scanFrom(block, before.length)).toBe(end);
  expect(ahead.isRecord).toBe(isRecord);
  if (isRecord) expect(answersOf(ahead)).toEqual(answersOf(scanner));
  expect(ahead.scanFrom(block, end + 1)).toBe(block.length - 1);
  expect(ahead.isRecord).toBe(true);
  expect(block.toString('latin1', ahead.starts[0], ahead.ends[0])).toBe('"after"');
  if (!isRecord) return false;
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
    const ahead = warmed();
    let answered = 0;
    fc.assert(
      fc.property(record, (text) => {
        if (check(scanner, Buffer.from(text), ahead)) answered++;
      }),
      { seed: 20261125, numRuns: 3000 },
    );
    // It would be right to leave all of them, and of no use.
    expect(answered).toBeGreaterThan(1000);
  });

  test('fuzz: bytes changed, cut out and put in at random: what is no record is never answered', () => {
    const scanner = new Scanner(paths);
    const ahead = warmed();
    let refused = 0;
    fc.assert(
      fc.property(spoiltRecord, (line) => {
        if (!check(scanner, line, ahead)) refused++;
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

  test('many lines, short and long, some longer than what is looked at at once: each comes to the same wherever it is begun', () => {
    const lengths = [0, 1, 100, 65_500, 65_520, 65_536, 70_000, 200_000, 3, 5];
    const lines = Array.from({ length: 2000 }, (_, i) => `{"id":${i},"text":"${'x'.repeat(i % 97)}é","a":{"b":[${i}]}}`);
    for (const [i, length] of lengths.entries())
      lines.splice(100 * i, 0, `{"text":"${'y'.repeat(length)}","id":"long ${length}"}`, '{"id":');
    const block = Buffer.from(lines.join('\n'));
    const [one, ahead] = [new Scanner(paths), warmed()];
    const places: [number, number][] = [];
    for (let start = 0; start < block.length; start = (places.at(-1)?.[1] ?? 0) + 1) {
      const end = ahead.scanFrom(block, start);
      expect(end).toBe(Math.max(block.indexOf('\n', start), -1) < 0 ? block.length : block.indexOf('\n', start));
      expect(one.scan(block, start, end)).toBe(ahead.isRecord);
      if (ahead.isRecord) expect(answersOf(ahead)).toEqual(answersOf(one));
      places.push([start, end]);
    }
    expect(places.length).toBe(lines.length);
    for (const [start, end] of places.toReversed().filter((_, i) => i % 7 === 0)) {
      expect(ahead.scan(block, start, end, true)).toBe(one.scan(block, start, end));
      if (one.scan(block, start, end)) expect(answersOf(ahead)).toEqual(answersOf(one));
    }
  });

  test.each([
    ['{"x":{"y":1,"z":2}}', '{"x":{"y":{,"z":2}}}'],
    ['{"x":{"y":{"z":2}}}', '{"x":{"y":1"z":2}}'],
    ['{"x":["y",{"z":2}]}', '{"x":["y",{,"z":2}]}'],
    ['{"x":{"y":1,"z":2}}', '{"x":[1,"z":2]}'],
    ['{"x":{"id":1}}', '{"id":1,"x":{"id":2,"id":3}}'],
    ['{"id":{"id":1}}', '{"id":1}'],
  ])('behind %s: %s', (before, line) => {
    const [one, ahead] = [new Scanner(paths), warmed()];
    const block = Buffer.from(`${before}\n${line}\n`);
    expect(ahead.scanFrom(block, 0)).toBe(before.length);
    expect(ahead.isRecord).toBe(true);
    ahead.scanFrom(block, before.length + 1);
    expect(one.scan(block, before.length + 1, block.length - 1)).toBe(ahead.isRecord);
    if (ahead.isRecord) expect(answersOf(ahead)).toEqual(answersOf(one));
  });

  test('lines that resemble the one before: what is expected to follow a name is never taken for what does', () => {
    const names = [
      'id',
      'revision',
      'a',
      'b',
      'c',
      'd',
      'é',
      'ü',
      'xx',
      'twelve_bytes',
      'a_name_of_twenty_nine_bytes__',
      'y'.repeat(40),
    ];
    const blanks = fc.constantFrom('', '', '', '', ' ', '  ', '\t', '\r');
    const signs = fc.constantFrom(',', ',', ',', ',', ',', ',', ',', ',', '', ',,', '}', ']', '{', '[', ':');
    const good = ['1', '-0.5e3', '"x"', '"é"', '"\\n"', 'null', 'true'];
    const scalar = fc.constantFrom(...good, ...good, ...good, ...good, '"', '01');
    const name = fc.constantFrom(...names);
    const member: fc.Arbitrary<string> = fc.letrec((tie) => ({
      member: fc
        .tuple(name, fc.oneof({ maxDepth: 3, withCrossShrink: true }, scalar, tie('object'), tie('array')), blanks, blanks)
        .map(([key, value, first, second]) => `${first}"${key}"${second}:${first}${value}`),
      object: fc
        .tuple(fc.array(tie('member'), { maxLength: 3 }), blanks)
        .map(([members, blank]) => `{${blank}${members.join(`${blank},`)}${blank}}`),
      array: fc
        .array(fc.oneof({ weight: 5, arbitrary: scalar }, { weight: 5, arbitrary: tie('object') }, tie('member')), {
          maxLength: 2,
        })
        .map((values) => `[${(values as string[]).join(',')}]`),
    })).member as fc.Arbitrary<string>;
    // A line is the one before with some of its members left out, put elsewhere, or others in their place.
    const change = fc.record({
      at: fc.nat(8),
      cut: fc.nat(1),
      put: fc.array(member, { maxLength: 1 }),
      sign: signs,
      end: blanks,
    });
    let answered = 0;
    let refused = 0;
    const ahead = warmed();
    fc.assert(
      fc.property(fc.array(member, { maxLength: 8 }), fc.array(change, { minLength: 20, maxLength: 20 }), (first, changes) => {
        const lines: string[] = [];
        let members = first;
        for (const { at, cut, put, sign, end } of changes) {
          members = members.toSpliced(at, cut, ...put).slice(0, 9);
          const [before, behind] = [members.slice(0, at), members.slice(at)].map((some) => some.join(','));
          lines.push(`{${before}${before && behind ? sign : ''}${behind}${end}}`, `{${members.join(',')}}`);
        }
        const block = Buffer.from(`${lines.join('\n')}\n`);
        const one = new Scanner(paths);
        for (let start = 0; start < block.length; ) {
          const end = ahead.scanFrom(block, start);
          const line = block.subarray(start, end).toString();
          expect(one.scan(block, start, end), line).toBe(ahead.isRecord);
          if (ahead.isRecord) expect(answersOf(ahead), line).toEqual(answersOf(one));
          ahead.isRecord ? answered++ : refused++;
          start = end + 1;
        }
      }),
      { seed: 20261127, numRuns: 1000 },
    );
    expect(answered).toBeGreaterThan(5000);
    expect(refused).toBeGreaterThan(5000);
  });

  test.each([600, 700, 22_000])('%i paths are found, whether their answers have room in a window or not', (count) => {
    const many = new Scanner(Array.from({ length: count }, (_, i) => `n${i}`));
    const block = Buffer.from('{"n0":1,"n599":"x"}\n'.repeat(100));
    for (let start = 0; start < block.length; start += 20) {
      expect(many.scanFrom(block, start)).toBe(start + 19);
      expect([many.isRecord, many.starts[0], many.starts[599], many.starts[1]]).toEqual([true, start + 6, start + 15, -1]);
    }
  });

  test('a window is not walked over again for the line that it is at', () => {
    const window = ScanWindow.open([{ name: Buffer.from('id'), answer: 0, inside: [] }], 1) as ScanWindow;
    const block = Buffer.from('{"id":12}\n'.repeat(10_000));
    for (let start = 0; start < 50_000; start += 10) {
      for (let look = 0; look < 3; look++) {
        expect(window.turnTo(block, start)).toBe(start + 9);
        expect([window.words[window.at], window.from]).toEqual([start, 0]);
      }
    }
    // Another block is another line, wherever it begins; and what lies behind it is looked for.
    expect(window.turnTo(Buffer.from('{"id":1}\n'.repeat(10_000)), 49_986)).toBe(49_994);
    expect(window.from).toBe(49_986);
    expect(window.turnTo(block, 0)).toBe(9);
    expect(window.from).toBe(0);
  });

  test('a path cannot be wanted twice', () => {
    expect(() => new Scanner(['id', 'id'])).toThrow('wanted twice');
  });
});

test('a process that cannot have WebAssembly does without it', async () => {
  const cwd = mkdtempSync(join(temporary, 'buda-scan-'));
  const lines = `for i in $(seq 300); do echo '{"id":"'$i'","a":{"b":1}}'; done`;
  const hashOf1 = createHmac('sha256', 'a secret of many bytes').update('1').digest('hex');
  const run = (start: string) =>
    bash(
      `umask 077; echo a secret of many bytes >key
      (${lines}; ${lines}) | ${start} transform dedupe -q | ${start} transform flatten -q | ${start} transform hash -q --field id --key-file key |
        tee hashed | sort -u | wc -l; grep -c ${hashOf1} hashed`,
      { cwd, env: environmentIn(cwd) },
    );
  // Its addresses are limited; its processor knows no SIMD, or is said to; it may not make code.
  for (const start of [
    'buda',
    `bash -c 'ulimit -v 4000000; exec buda "$@"' -`,
    'node --no-enable-sse4-1 $(which buda)',
    'node --jitless $(which buda)',
  ])
    expect(await run(start), start).toMatchObject({ exit: 0, stdout: '300\n1\n' });
  rmSync(cwd, { recursive: true, force: true });
});

describe('what is read out of the bytes is what the parsed record has', () => {
  test.each(['id', 'a.b'])('a partition key: %s', (path) => {
    const reader = new KeyReader(path);
    const read = (line: Line) => (reader.read(line) ? reader.text : undefined);
    fc.assert(
      fc.property(record, (text) => {
        const [line] = Batch.ofBytes(Buffer.from(`${text}\n`), 1).lines as [Line];
        // A record that a step made has no bytes to be read out of.
        expect(read(line)).toBe(read(Line.written(text)));
      }),
      { seed: 20261127, numRuns: 1500 },
    );
  });

  test.each([[[]], [['a.b']]])('an identity: %j', (paths) => {
    const mac = new Mac(Buffer.alloc(16, 7));
    const identifier = new Identifier(paths);
    const identityOf = (text: string) => {
      const line = Buffer.from(`${text}\n`);
      return (identifier.hashWritten(line, 0, mac) ?? identifier.hashParsed(line, 0, mac)) ? mac.tag.join() : undefined;
    };
    fc.assert(
      fc.property(record, (text) => {
        // A name with an escape is left to the parse.
        const parsed = text.replace(/^\{(\s*\})?/, (_, close) => `{"\\u0078x":0${close ?? ','}`);
        expect(identityOf(text)).toBe(identityOf(parsed));
      }),
      { seed: 20261127, numRuns: 1500 },
    );
  });
});
