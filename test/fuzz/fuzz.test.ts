import { isUtf8 } from 'node:buffer';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { entries } from '../../src/commands/index.ts';
import { parseControl } from '../../src/lib/marks.ts';
import { root } from '../house/bash.ts';
import { chanceOf, maxLineBytes, mutate } from './mutate.ts';
import { endLine, LineSum, lettersIn, markLine, type Outcome, tryLines } from './run.ts';

/**
 * Mutated lines through every transform: each line that is not blank comes out, is left out for a reason that is known, or is a dead
 * letter; nothing crashes, and memory stays flat. `FUZZ_LINES=1000000 npx vitest run test/fuzz` is a long run, `FUZZ_SEED` another one.
 */
const lineCount = Number(process.env.FUZZ_LINES ?? 20_000);
const seed = Number(process.env.FUZZ_SEED ?? 20261125);
const isLong = lineCount > 100_000;
const blockLines = 500;
/** V8's young generation grows now and then, by up to 32 MiB: that would hide what a step keeps of a long run. */
const node = isLong ? ['--max-semi-space-size=2'] : [];
/** The heap takes what it finds, on a machine that is quiet more than on one that is busy; that it does not grow further is asked of a long run. */
const maxPeakBytes = 170e6;

type Parsed = Record<string, unknown>;
/** What has to become of a line: it is rejected, goes on as it came, or comes to so many records. */
type Fate = 'dead' | 'same' | number;

interface Subject {
  words: readonly string[];
  behind?: readonly string[];
  /** The fate of a line that begins with `{` and is not too long; `record` is undefined where it is no JSON object in UTF-8. */
  fates?: () => (line: Buffer, record: Parsed | undefined) => Fate;
  /** What it comes to hangs on more than the line: the same comes of the input without the lines that were rejected. */
  isWhole?: boolean;
}

const schema = { type: 'object', required: ['id'], properties: { id: { type: 'string', minLength: 1 } } };
const mine = `export default (record) => {
  const fields = Object.keys(record).length % 4;
  return fields === 0 ? undefined : fields === 1 ? [record, { again: true }] : fields === 2 ? { ...record, seen: true } : record;
};
`;

/** Whether a value of a line is nested so deeply that it cannot be written as JSON again. */
function isTooDeep(line: Buffer, value: unknown): boolean {
  if (line.length < 8000) return false;
  try {
    JSON.stringify(value);
    return false;
  } catch {
    return true;
  }
}

/** Whether objects lie in objects so deeply that they are not flattened; of two fields of one name the first may have been. */
const hasDeepObjects = (line: Buffer) => line.length > 8000 && line.includes('{"a":'.repeat(4000));

/** A record whose numbers are texts that are equal if the numbers are worth the same, whatever a double can hold. */
function exact(line: Buffer): Parsed {
  return JSON.parse(
    line.toString().replace(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g, (token) => {
      const [, sign, whole = '', fraction = '', exponent = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE](.+))?$/.exec(token) ?? [];
      if (sign === undefined) return token;
      const digits = `${whole}${fraction}`.replace(/^0+/, '');
      const significant = digits.replace(/0+$/, '');
      const power = BigInt(exponent) + BigInt(digits.length - significant.length - fraction.length);
      return significant === '' ? '"number 0"' : `"number ${sign}${significant} ${power}"`;
    }),
  );
}

const one = () => (_: Buffer, record: Parsed | undefined) => (record === undefined ? 'dead' : 1);

const subjects: Record<string, Subject> = {
  each: { words: ['each'], behind: ['--', 'cat'], fates: () => () => 'same' },
  'transform mrr': { words: ['transform', 'mrr'], isWhole: true },
  'transform dedupe': {
    words: ['transform', 'dedupe'],
    fates() {
      const seen = new Set<string>();
      return (line, record) => {
        if (record === undefined) return 'dead';
        const { id, revision } = exact(line);
        if (isTooDeep(line, [id, revision])) return 'dead';
        const identity = id === undefined || id === null ? line : `${JSON.stringify(id)} ${JSON.stringify(revision)}`;
        const hash = createHash('md5')
          .update(typeof identity === 'string' ? 'id' : 'line')
          .update(identity)
          .digest('base64');
        if (seen.has(hash)) return 0;
        seen.add(hash);
        return 'same';
      };
    },
  },
  'transform flatten': {
    words: ['transform', 'flatten'],
    fates: () => (line, record) => (record === undefined || hasDeepObjects(line) ? 'dead' : 1),
  },
  'transform validate': {
    words: ['transform', 'validate', '--schema', 'schema.json'],
    fates: () => (_, record) => (typeof record?.id === 'string' && record.id !== '' ? 'same' : 'dead'),
  },
  'transform hash': {
    words: ['transform', 'hash', '--key-file', 'key', '--field', 'id', '--field', 'email', '--field', 'data.object.*.id'],
    fates: one,
  },
  'transform sql': {
    words: ['transform', 'sql', 'SELECT record FROM input'],
    fates: () => (_, record) => (record === undefined ? 'dead' : 'same'),
  },
  'transform FILE': {
    words: ['transform', './mine.js'],
    fates: () => (line, record) => {
      if (record === undefined) return 'dead';
      const out = [0, 2, 1, 1][Object.keys(record).length % 4] as number;
      return out > 0 && isTooDeep(line, record) ? 'dead' : out;
    },
  },
};

const transforms = entries.map(({ words }) => words).filter((words) => words === 'each' || words.startsWith('transform '));

let folder = '';
let beginLine = '';
/** Tracked events, and Stripe's. */
let corpora: Buffer[][] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'buda-fuzz-'));
  writeFileSync(join(folder, 'schema.json'), JSON.stringify(schema));
  writeFileSync(join(folder, 'key'), 'a secret that is long enough to be one\n', { mode: 0o600 });
  writeFileSync(join(folder, 'mine.js'), mine);
  const env = { ...process.env, BUDA_HOME: join(folder, 'home') };
  const buda = (line: string) =>
    execFileSync(process.execPath, [join(root, 'bin', 'buda'), ...line.split(' ')], { cwd: folder, env, encoding: 'utf8' });
  buda('sandbox stripe --customers 8 --months 3 --events dump.ndjson --no-serve -q');
  // An app that the state store knows: what a transform saves is its.
  beginLine = buda('produce stripe --from dump.ndjson --app fuzz -n 1 -q').split('\n', 1)[0] as string;
  const linesOf = (path: string) =>
    readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => Buffer.from(line));
  corpora = [linesOf(join(root, 'test', 'examples', 'stage', 'events.ndjson')), linesOf(join(folder, 'dump.ndjson'))];
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('every transform is fuzzed', () => {
  expect(transforms.filter((words) => subjects[words] === undefined)).toEqual([]);
});

/** The blocks of a short run, which are the same for every transform. */
const made = new Map<number, Buffer[][]>();

function blocksOf(lines: number): Iterable<Buffer[]> {
  if (isLong) return mutated(lines);
  const blocks = made.get(lines) ?? [...mutated(lines)];
  made.set(lines, blocks);
  return blocks;
}

/** Mutated lines, in blocks; none is a mark. */
function* mutated(lines: number): Generator<Buffer[]> {
  const chance = chanceOf(seed);
  for (let made = 0; made < lines; ) {
    const block: Buffer[] = [];
    while (block.length < blockLines && made < lines) {
      // A mutation may have made several lines of one.
      const corpus = corpora[chance(2)]!;
      const text = mutate(chance, corpus[chance(corpus.length)]!);
      for (let start = 0; start <= text.length; made++) {
        const next = text.indexOf(0x0a, start);
        const end = next < 0 ? text.length : next;
        const line = text.subarray(start, end);
        if (line[0] !== 0x5b || parseControl(line.toString()) === undefined) block.push(line);
        start = end + 1;
      }
    }
    yield block;
  }
}

const known = new WeakMap<Buffer, { record: Parsed | undefined }>();

function parse(line: Buffer): Parsed | undefined {
  if (!isUtf8(line)) return undefined;
  const parsed = known.get(line);
  if (parsed !== undefined) return parsed.record;
  let record: Parsed | undefined;
  try {
    record = JSON.parse(line.toString()) as Parsed;
  } catch {
    record = undefined;
  }
  known.set(line, { record });
  return record;
}

const isBlank = (line: Buffer) => line.length === 0 || (line.length === 1 && line[0] === 0x0d);
const isRead = (line: Buffer) => line[0] === 0x7b && line.length <= maxLineBytes;

/** What has to come of the lines. */
class Expected {
  lines = 0;
  out = 0;
  readonly dead = new LineSum();
  readonly same = new LineSum();
  readonly #fateOf: ReturnType<NonNullable<Subject['fates']>>;

  constructor(fates: NonNullable<Subject['fates']>) {
    this.#fateOf = fates();
  }

  add(line: Buffer, isCut: boolean): void {
    if (isBlank(line)) return;
    this.lines++;
    const record = isRead(line) ? parse(line) : undefined;
    const fate = !isRead(line) || (isCut && record === undefined) ? 'dead' : this.#fateOf(line, record);
    if (fate === 'dead') this.dead.add(line);
    else if (fate === 'same') this.same.add(line);
    this.out += fate === 'dead' ? 0 : fate === 'same' ? 1 : fate;
  }
}

describe.each(Object.keys(subjects).filter((name) => transforms.includes(name)))('%s', (name) => {
  const { words, behind = [], fates, isWhole } = subjects[name] as Subject;
  const isUntouched = ['each', 'transform dedupe', 'transform validate'].includes(name);
  const reproduce = `FUZZ_SEED=${seed} FUZZ_LINES=${lineCount} npx vitest run test/fuzz -t '${name}'`;

  async function run(isMarked: boolean, leftOut?: ReadonlySet<string>) {
    const lines = Math.floor(lineCount / 2);
    const expected = new Expected(fates ?? one);
    const letters = join(folder, `${name.replaceAll(' ', '-')}-${isMarked ? 'marked' : 'plain'}.ndjson`);
    rmSync(letters, { force: true });
    let epochs = 0;
    function* blocks() {
      if (isMarked) yield Buffer.from(`${beginLine}\n`);
      for (const block of blocksOf(lines)) {
        const kept = leftOut === undefined ? block : block.filter((line) => !leftOut.has(hashOf(line)));
        const before = expected.lines;
        for (const line of kept) expected.add(line, false);
        const text = kept.flatMap((line) => [line, Buffer.from('\n')]);
        if (isMarked) text.push(Buffer.from(markLine(++epochs, expected.lines - before)));
        yield Buffer.concat(text);
      }
      if (isMarked) yield Buffer.from(endLine);
      else if (leftOut === undefined) {
        const last = Buffer.from('{"id":"cut","last');
        expected.add(last, true);
        yield last;
      }
    }
    const out = new LineSum();
    const whole = createHash('sha256');
    const strange: string[] = [];
    const outcome = await tryLines(
      {
        words: [...words, '--dead-letter', letters, '--max-line', String(maxLineBytes), '-q', ...behind],
        node,
        folder,
        blocks: blocks(),
        onLine(line) {
          if (isUntouched) out.add(line);
          else out.count++;
          if (isWhole) whole.update(line).update('\n');
          if (name !== 'each' && parse(line) === undefined) strange.push(line.toString('latin1').slice(0, 200));
        },
      },
      lines / blockLines,
    );
    const dead = new LineSum();
    const reasons = new Map<string, number>();
    const hashes = new Set<string>();
    for await (const { sha256, reason, step } of lettersIn(letters)) {
      if (step !== name) strange.push(`a letter of ${step}`);
      dead.addHash(String(sha256));
      hashes.add(String(sha256).slice(0, 16));
      reasons.set(String(reason), (reasons.get(String(reason)) ?? 0) + 1);
    }
    rmSync(letters, { force: true });
    if (isLong) {
      const { peakBytes = Number.NaN, halfPeakBytes = Number.NaN, ms } = outcome;
      console.log(
        `${name}, ${isMarked ? 'marked' : 'plain'}, seed ${seed}: ${expected.lines} lines, ${out.count} out, ${dead.count} dead letters; peak ${Math.round(peakBytes / 2 ** 20)} MiB (at half ${Math.round(halfPeakBytes / 2 ** 20)}); ${Math.round(ms / 1000)} s`,
      );
    }
    expect(outcome.exit, `exit of: ${reproduce}\n${outcome.said}`).toBe(0);
    expect(strange, 'no records, or of another').toEqual([]);
    return { expected, outcome, out, dead, reasons, hashes, whole: whole.digest('hex'), epochs };
  }

  function expectFlat({ halfPeakBytes, peakBytes }: Outcome): void {
    if (halfPeakBytes === undefined || peakBytes === undefined) return;
    expect(peakBytes).toBeLessThan(maxPeakBytes);
    // The heap of a short run has not found its size yet.
    if (isLong) expect(peakBytes - halfPeakBytes).toBeLessThan(0.15 * halfPeakBytes);
  }

  test.skipIf(isWhole)('plain: lines in = records out + dead letters', { timeout: 3_600_000 }, async () => {
    const { expected, outcome, out, dead, reasons } = await run(false);
    const found = { lines: expected.lines, out: out.count, dead: dead.count, deadSum: dead.sum };
    const wanted = { lines: expected.lines, out: expected.out, dead: expected.dead.count, deadSum: expected.dead.sum };
    expect(found, JSON.stringify([...reasons])).toEqual(wanted);
    if (isUntouched) expect(out.sum, 'records go on byte for byte').toBe(expected.same.sum);
    expect(dead.count).toBeGreaterThan(0.1 * expected.lines);
    expect(out.count).toBeGreaterThan(0);
    expectFlat(outcome);
  });

  test('under marks: the counters of every mark say what came of its epoch', { timeout: 3_600_000 }, async () => {
    const { expected, outcome, out, dead, reasons, epochs } = await run(true);
    const { marks, counts } = outcome;
    expect(marks.length).toBe(epochs + 2);
    const sums = [0, 0, 0];
    for (const [i, control] of marks.entries()) {
      if (control.kind !== 'mark') continue;
      const [, ...mine] = control.mark.c.at(-1) as [string, number, number, number];
      expect(mine[1], 'records before the mark').toBe(counts[i]);
      for (const [k, count] of mine.entries()) sums[k]! += count;
    }
    expect(sums).toEqual([expected.lines, out.count, dead.count]);
    if (fates !== undefined) {
      expect([out.count, dead.count, dead.sum], JSON.stringify([...reasons])).toEqual([
        expected.out,
        expected.dead.count,
        expected.dead.sum,
      ]);
    }
    expectFlat(outcome);
  });

  test.runIf(isWhole)('the rejected lines have left no trace in the others', { timeout: 3_600_000 }, async () => {
    const first = await run(false);
    expect(first.dead.count).toBeGreaterThan(first.expected.dead.count);
    expect(first.out.count).toBeGreaterThan(0);
    const again = await run(false, first.hashes);
    expect({ dead: again.dead.count, whole: again.whole }).toEqual({ dead: 0, whole: first.whole });
    expectFlat(first.outcome);
  });
});

const hashOf = (line: Buffer) => createHash('sha256').update(line).digest('hex').slice(0, 16);
