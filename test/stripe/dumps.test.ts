import { createHash } from 'node:crypto';
import { appendFileSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { openDump } from '../../src/lib/dumps/source.ts';
import { produce } from '../../src/lib/sources.ts';
import { type TestContext, testCall, testContext } from '../support/context.ts';
import { event } from './server.ts';
import { committer, idsOf, linesOf, storeOf } from './support.ts';

const folder = mkdtempSync(join(tmpdir(), 'buda-dumps-'));
const pretty = (n: number) => event(n, 1_700_000_000 + n).raw;
const flat = (n: number) => `${pretty(n).replace(/\n */g, '').replaceAll('": ', '":')}\n`;
const many = (count: number, make = flat) => Array.from({ length: count }, (_, n) => make(n)).join('');

interface Reading {
  from: string | readonly (string | Buffer)[];
  app?: string;
  home?: string;
  epoch?: number;
  count?: number;
  keep?: boolean;
  maxLine?: number;
  context?: TestContext;
  breakAt?: number;
}

let files = 0;
function file(content: string | Buffer, ending = 'ndjson'): string {
  const path = join(folder, `${++files}.${ending}`);
  writeFileSync(path, content);
  return path;
}

async function read({
  from,
  app,
  home,
  epoch = 10_000,
  count,
  keep = false,
  maxLine = 1 << 24,
  context: given,
  breakAt,
}: Reading) {
  const place = given ?? testContext({ ...(home === undefined ? {} : { home }), input: typeof from === 'string' ? [] : from });
  const context: TestContext = { ...place, openCheckpoints: () => storeOf(place.home) };
  const { call, letters } = testCall('produce stripe', { app, maxLine }, context, [], keep);
  const source = await openDump(
    call,
    typeof from === 'string' ? from : '-',
    { maxRecords: epoch, maxBytes: 8 * 1024 ** 2 },
    count,
  );
  const committed = app === undefined ? undefined : committer(storeOf(place.home));
  const lines: string[] = [];
  const marks: string[] = [];
  let pending: string[] = [];
  for await (const batch of produce(call, source)((async function* () {})())) {
    pending.push(...linesOf(batch));
    const control = batch.control;
    if (control?.kind === 'begin') committed?.begin(control.begin);
    if (control?.kind !== 'mark') continue;
    if (marks.length + 1 === breakAt) return { lines, marks, letters, name: source.name };
    await committed?.mark('', control.mark.to);
    marks.push(control.mark.to);
    lines.push(...pending);
    pending = [];
  }
  lines.push(...pending);
  return { lines, marks, letters, name: source.name };
}

it('takes objects apart that are glued together, as Firehose leaves them, and cuts at the same places again', async () => {
  const flats = many(40).trimEnd().split('\n');
  const inString = `{"id":"evt_s","object":"event","text":"}{"}`;
  const text = `${flats.slice(0, 3).join('')}\n${inString}\n${flats[3]}\n${flats.slice(4, 40).join('')}`;
  const { lines, letters } = await read({ from: file(text), keep: true });
  expect(lines).toEqual([...flats.slice(0, 3), inString, ...flats.slice(3)]);
  expect(letters).toEqual([]);
  const path = file(`${text}\n${text}`);
  const whole = await read({ from: path, app: 'a', epoch: 7 });
  const home = mkdtempSync(join(tmpdir(), 'buda-glue-'));
  const first = await read({ from: path, app: 'a', epoch: 7, home, breakAt: 2 });
  const rest = await read({ from: path, app: 'a', epoch: 7, home });
  expect([...first.lines, ...rest.lines]).toEqual(whole.lines);
  const broken = await read({ from: file(`${flats[0]}${flats[1]?.slice(0, 40)}\n${flats[2]}\n`), keep: true });
  expect([broken.lines, broken.letters.map(({ reason }) => reason)]).toEqual([[flats[2]], ['not JSON']]);
});

it('reads lines, objects over several lines, pages of lists, gzip by name and by its first bytes, from a file and from stdin', async () => {
  const wanted = many(30).trimEnd().split('\n');
  const page = `{\n  "object": "list",\n  "data": [\n${Array.from({ length: 30 }, (_, n) => pretty(n)).join(',\n')}\n  ],\n  "has_more": false\n}\n`;
  const texts = [
    many(30),
    many(30, (n) => `${pretty(n)}\n`),
    page,
    `${page.replace(/\n */g, '')}`,
    many(30, (n) => `${pretty(n).replaceAll('\n', '\r\n')}\r\n\r\n`),
    many(30).trimEnd(),
    many(30, (n) => `["buda.mark",1,{"to":"${n}","c":[]}]\n${flat(n)}`),
  ];
  for (const text of texts) {
    for (const content of [text, gzipSync(text), Buffer.concat([gzipSync(text.slice(0, 99)), gzipSync(text.slice(99))])]) {
      expect((await read({ from: file(content) })).lines).toEqual(wanted);
      const bytes = Buffer.from(content);
      expect((await read({ from: [bytes.subarray(0, 1), bytes.subarray(1, 777), bytes.subarray(777)] })).lines).toEqual(wanted);
    }
  }
  expect((await read({ from: file(gzipSync(many(2)), 'gz') })).lines.length).toBe(2);
  expect((await read({ from: file('') })).lines).toEqual([]);
});

it('property: wherever the chunks break, the records are the same', async () => {
  const makers = [
    flat,
    (n: number) => `${pretty(n)}\n`,
    (n: number) => `{"object":"list","data":[${flat(n).trimEnd()}]}\n`,
    (n: number) => `\n${flat(n)}`,
  ];
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(3), { maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 9 }),
      async (kinds, sizes) => {
        const text = Buffer.from(kinds.map((kind, n) => makers[kind]!(n)).join(''));
        const chunks: Buffer[] = [];
        for (let at = 0, i = 0; at < text.length; i++) chunks.push(text.subarray(at, (at += sizes[i % sizes.length]!)));
        expect((await read({ from: chunks })).lines).toEqual(kinds.map((_, n) => flat(n).trimEnd()));
      },
    ),
    { seed: 7, numRuns: 60 },
  );
});

it('rejects what is no event by the line where it begins, and keeps the rest', async () => {
  const bad: [string, number, RegExp][] = [
    ['<html>', 2, /HTML/],
    ['{"id":"evt_1"', 2, /JSON/],
    ['[1,2]', 2, /array/],
    ['{\n  "id": "evt_9",\n  "x": 1', 2, /not whole/],
    ['{"object":"list","data":[{"object":"customer","id":"cus_1"}]}', 2, /not of events/],
    ['{\n  "a": "half\n}', 2, /string/],
    [`{"x":"${'y'.repeat(5_000)}"}`, 2, /longer than 4000/],
  ];
  for (const [text, line, reason] of bad) {
    const content = `${flat(0)}${text}\n${flat(1)}`;
    await expect(read({ from: file(content), maxLine: 4_000 })).rejects.toMatchObject({
      exit: 65,
      message: expect.stringMatching(new RegExp(`^line ${line}: `)),
    });
    const { lines, letters } = await read({
      from: [content.slice(0, 50), content.slice(50, 3_000), content.slice(3_000)],
      keep: true,
      maxLine: 4_000,
    });
    expect(idsOf(lines)).toEqual(['evt_000000', 'evt_000001']);
    expect(letters[0]).toMatchObject({ position: `line ${line}`, reason: expect.stringMatching(reason) });
  }
  await expect(read({ from: file(`${flat(0)}{"id":`) })).rejects.toMatchObject({
    exit: 65,
    message: expect.stringContaining('line 2: the last line is cut'),
  });
  await expect(read({ from: file(gzipSync(many(100)).subarray(0, 200)) })).rejects.toMatchObject({
    exit: 65,
    message: expect.stringContaining('Z_BUF_ERROR'),
  });
});

it('cuts epochs by data, resumes at the byte, and takes what was appended', async () => {
  const home = testContext().home;
  for (const make of [flat, (n: number) => `${pretty(n)}\n`]) {
    const path = file(many(95, make));
    const app = `a${files}`;
    const first = await read({ from: path, app, home, epoch: 20, breakAt: 3 });
    expect(first.marks.length).toBe(2);
    expect(first.marks[0]).toMatch(/^byte \d+ line \d+ of 4096:[0-9a-f]{16}$/);
    const rest = await read({ from: path, app, home, epoch: 20 });
    expect(idsOf([...first.lines, ...rest.lines])).toEqual(Array.from({ length: 95 }, (_, n) => event(n, 0).id));
    expect((await read({ from: path, app, home })).lines).toEqual([]);
    appendFileSync(path, make(95));
    expect(idsOf((await read({ from: path, app, home })).lines)).toEqual(['evt_000095']);
    const line = readFileSync(path, 'utf8').split('\n').length;
    appendFileSync(path, '<html>\n');
    await expect(read({ from: path, app, home })).rejects.toMatchObject({ message: expect.stringContaining(`line ${line}: `) });
  }
});

it('notices a dump that is another, or shorter', async () => {
  const home = testContext().home;
  const path = file(many(50));
  await read({ from: path, app: 'a', home });
  writeFileSync(path, many(40));
  await expect(read({ from: path, app: 'a', home })).rejects.toMatchObject({
    exit: 65,
    message: expect.stringContaining('ends before byte'),
  });
  writeFileSync(path, gzipSync(many(40)));
  await expect(read({ from: path, app: 'a', home })).rejects.toMatchObject({
    exit: 65,
    message: expect.stringContaining('ends before byte'),
  });
  writeFileSync(path, `${flat(7)}${many(50)}`);
  await expect(read({ from: path, app: 'a', home })).rejects.toMatchObject({
    exit: 65,
    message: expect.stringContaining('it begins otherwise'),
  });
});

it('knows a dump that comes through stdin again, and lets another follow', async () => {
  const home = testContext().home;
  const text = many(60);
  const first = await read({ from: [text], app: 'a', home, epoch: 25, breakAt: 2 });
  expect(first.lines.length).toBe(25);
  expect((await read({ from: [text.slice(0, 10), text.slice(10)], app: 'a', home })).lines.length).toBe(35);
  const other = await read({ from: [many(5, (n) => flat(n + 100))], app: 'a', home });
  expect(other.lines.length).toBe(5);
  expect(other.name).toMatch(/^stripe:stdin:[0-9a-f]{8}$/);
});

it('ends after -n records, and when it is told to stop', async () => {
  const path = file(many(50));
  expect((await read({ from: path, count: 7 })).lines.length).toBe(7);
  const page = file(`{"object":"list","data":[${many(9).trimEnd().replaceAll('\n', ',')}]}`);
  expect((await read({ from: page, count: 7 })).lines.length).toBe(7);
  const context = testContext();
  const chunks = async function* () {
    yield Buffer.from(many(40, (n) => flat(n)));
    context.stop();
    await new Promise(() => {});
  };
  const stopped = await read({ from: [], app: 'a', context: { ...context, stdin: { isTerminal: false, chunks } } });
  expect(stopped.marks.length).toBe(1);
});

it('passes a large dump on as it is', async () => {
  const text = many(60_000);
  const hash = createHash('sha256');
  const { lines } = await read({ from: file(text) });
  for (const line of lines) hash.update(`${line}\n`);
  expect(hash.digest('hex')).toBe(createHash('sha256').update(text).digest('hex'));
});
