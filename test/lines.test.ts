import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Failure } from '../src/lib/errors.ts';
import { BadLine, Batch, Line, parseRecord, type Rejected, readBatches, writeBatch } from '../src/lib/lines.ts';

const begin = '["buda.begin",1,{"app":"a","source":"s","run":"r","term":1,"at":0,"from":{}}]';
const mark = '["buda.mark",1,{"to":"7","c":[["s",0,1,0]]}]';

async function read(pieces: readonly Buffer[], maxLineBytes = 1000) {
  const rejected: Rejected[] = [];
  const batches: Batch[] = [];
  async function* chunks() {
    yield* pieces;
  }
  for await (const batch of readBatches(chunks(), { maxLineBytes, reject: (bad) => rejected.push(bad) })) batches.push(batch);
  return { batches, rejected, records: batches.flatMap((batch) => batch.lines.map((line) => line.bytes.toString())) };
}

/** Cuts bytes at the given places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...sorted].map((place, i) => bytes.subarray(place, sorted[i] ?? bytes.length));
}

describe('reading lines', () => {
  test('untouched bytes go on as they came, whatever is inside them', async () => {
    const lines = [
      '{"n":12345678901234567890,"f":1.0,"e":1e400}',
      '{ "spaced" : 1 }\r',
      '{"u":"é\\u0000😀"}',
      '{not json',
      `{"deep":${'['.repeat(300)}`,
      '{"nul":"\0"}',
    ];
    const text = `${lines.join('\n')}\n`;
    const { batches, rejected } = await read([Buffer.from(text)]);
    expect(Buffer.concat(batches.map(writeBatch)).toString()).toBe(text);
    expect(rejected).toEqual([]);
  });

  test('UTF-8 cut anywhere between two chunks stays whole', async () => {
    const bytes = Buffer.from('{"a":"é😀ß"}\n{"b":"漢"}\n');
    for (let place = 0; place <= bytes.length; place++) {
      const { records } = await read([bytes.subarray(0, place), bytes.subarray(place)]);
      expect(records).toEqual(['{"a":"é😀ß"}', '{"b":"漢"}']);
    }
  });

  test('blank lines are nothing, CRLF is kept, numbers of lines stay right', async () => {
    const { batches, rejected } = await read([Buffer.from('\n{"a":1}\r\n\r\n\n{"b":2}\nx\n{"c":3}\n')]);
    expect(batches.flatMap((batch) => batch.lines.map((line) => [line.number, line.bytes.toString()]))).toEqual([
      [2, '{"a":1}\r'],
      [5, '{"b":2}'],
      [7, '{"c":3}'],
    ]);
    expect(rejected.map(({ number }) => number)).toEqual([6]);
  });

  test('a last line without newline counts if it is a whole object', async () => {
    expect((await read([Buffer.from('{"a":1}\n{"b":2}')])).records).toEqual(['{"a":1}', '{"b":2}']);
    const torn = await read([Buffer.from('{"a":1}\n{"b":')]);
    expect(torn.records).toEqual(['{"a":1}']);
    expect(torn.rejected.map(({ reason }) => reason)).toEqual(['the last line is cut: no newline, and not a whole object']);
  });

  test('under marks a torn last line is a dead upstream: 75', async () => {
    await expect(read([Buffer.from(`${begin}\n{"b":2}`)])).rejects.toMatchObject({ exit: 75 });
    await expect(read([Buffer.from(`${begin}\n${mark}`)])).rejects.toBeInstanceOf(Failure);
  });

  test('only the three marks are control lines; other arrays are bad lines', async () => {
    const { batches, rejected } = await read([
      Buffer.from(
        `${begin}\n{"a":1}\n${mark}\n[1,2]\n["buda.mark",2,{}]\n["buda.end",1,{"exit":"0"}]\n["buda.end",1,{"exit":0}]\n`,
      ),
    ]);
    expect(batches.flatMap(({ control }) => (control === undefined ? [] : [control.kind]))).toEqual(['begin', 'mark', 'end']);
    expect(rejected.map(({ number }) => number)).toEqual([4, 5, 6]);
  });

  test.each([
    ['an HTML page', '<!doctype html>', 'HTML or XML, not JSON: perhaps an error page'],
    ['a byte order mark', '\ufeff{"a":1}', 'a byte order mark: save the file as UTF-8 without one'],
    ['a bare string', '"x"', 'not a JSON object'],
  ])('%s is rejected with number and sha256', async (_, line, reason) => {
    const { rejected } = await read([Buffer.from(`{"ok":1}\n${line}\n`)]);
    expect(rejected).toMatchObject([{ number: 2, reason, sha256: createHash('sha256').update(line).digest('hex') }]);
  });

  test('a line past the limit is hashed and passed over, in bounded memory, and the next lines pass', async () => {
    const long = `{"a":"${'x'.repeat(5000)}"}`;
    for (const size of [1, 7, 999, 6000]) {
      const bytes = Buffer.from(`{"b":1}\n${long}\n{"c":1}\n`);
      const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
      const { records, rejected } = await read(pieces);
      expect(records).toEqual(['{"b":1}', '{"c":1}']);
      expect(rejected).toMatchObject([
        { number: 2, length: long.length, sha256: createHash('sha256').update(long).digest('hex') },
      ]);
    }
  });

  test('a record is parsed only when somebody looks, and then strictly', () => {
    const bad = (bytes: Buffer) => () => new Line(1, bytes, 0, bytes.length).record;
    expect(bad(Buffer.from('{not json'))).toThrow(BadLine);
    expect(bad(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))).toThrow('not UTF-8');
    expect(bad(Buffer.from('{"a":1}\0'))).toThrow('not JSON');
    expect(bad(Buffer.from('[1]'))).toThrow('not a JSON object');
  });

  test('what a line parses to, or why it does not, hangs on nothing but the line: in any order, beside any others', () => {
    const told = (parse: () => unknown) => {
      try {
        return parse();
      } catch (error) {
        expect(error).toBeInstanceOf(BadLine);
        return (error as BadLine).message;
      }
    };
    const line = fc.oneof(
      fc.constantFrom(
        '{"a":[1',
        '2]},{}',
        '{"a":1}',
        '{"a":1}\r',
        '{}',
        '{"ë":"😀"}',
        '{"a":"',
        '"}',
        '',
        '[1]',
        '{"a":1},{"b":2}',
      ),
      fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 2 })).map((record) => JSON.stringify(record)),
      fc.nat({ max: 9000 }).map((length) => `{"long":"${'x'.repeat(length)}"}`),
    );
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 40 }), fc.infiniteStream(fc.nat()), (texts, order) => {
        const { lines } = Batch.ofBytes(Buffer.from(texts.map((text) => `${text}\n`).join('')), texts.length);
        for (let i = 0; i < 3 * lines.length; i++) {
          // Half of the time one after the other, as steps do.
          const place = (i % 2 === 0 ? i >> 1 : (order.next().value as number)) % lines.length;
          const one = lines[place] as Line;
          expect(told(() => one.record)).toEqual(told(() => parseRecord(Buffer.from(texts[place] as string))));
        }
      }),
      { seed: 20261125, numRuns: 200 },
    );
  });

  test('fuzz: however the bytes are cut, lines in = records + rejected, and the records are the same', async () => {
    const piece = fc.oneof(
      fc.constant('{"a":1}'),
      fc.constant(''),
      fc.constant('\r'),
      fc.constant('[1]'),
      fc.constant('{"x":"'.padEnd(1200, 'y')),
      fc.string({ unit: 'binary' }).map((text) => `{${JSON.stringify(text).replaceAll('\n', '')}:1}`),
      fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\n', ' ')),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(piece, { maxLength: 30 }),
        fc.array(fc.nat(), { maxLength: 12 }),
        fc.boolean(),
        async (lines, places, isClosed) => {
          const bytes = Buffer.from(lines.join('\n') + (isClosed && lines.length > 0 ? '\n' : ''));
          const whole = await read([bytes]);
          const cutUp = await read(cut(bytes, places));
          expect(cutUp.records).toEqual(whole.records);
          expect(cutUp.rejected.map(({ number, sha256 }) => [number, sha256])).toEqual(
            whole.rejected.map(({ number, sha256 }) => [number, sha256]),
          );
          const filled = lines.filter((line) => line !== '' && line !== '\r');
          expect(whole.records.length + whole.rejected.length).toBe(filled.length);
          expect(cutUp.batches.reduce((sum, batch) => sum + batch.count + batch.rejected, 0)).toBe(filled.length);
        },
      ),
      { seed: 20261124, numRuns: 500 },
    );
  });
});

describe('a batch', () => {
  test('joins read lines and made records, keeping the bytes of what was read', () => {
    const read = Batch.ofBytes(Buffer.from('{"a":1.0}\n{"b":2}\n{"c":3}\n'), 3);
    const [a, b, c] = read.lines as [Line, Line, Line];
    expect(Batch.ofLines([a, b]).bytes.toString()).toBe('{"a":1.0}\n{"b":2}\n');
    expect(Batch.ofLines([a, Line.of({ made: 1 }), Line.of({ made: 2 }), c]).bytes.toString()).toBe(
      '{"a":1.0}\n{"made":1}\n{"made":2}\n{"c":3}\n',
    );
    expect(Batch.ofLines([c, a]).bytes.toString()).toBe('{"c":3}\n{"a":1.0}\n');
    const text = Line.written('{"text":1.0}');
    expect(Batch.ofLines([text, a, Line.of({ made: 1 }), text]).bytes.toString()).toBe(
      '{"text":1.0}\n{"a":1.0}\n{"made":1}\n{"text":1.0}\n',
    );
    expect(text.record).toEqual({ text: 1 });
    expect(Batch.ofLines([]).bytes.length).toBe(0);
  });
});
