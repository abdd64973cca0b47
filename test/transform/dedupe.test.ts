import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import dedupe from '../../src/commands/transform/dedupe.ts';
import { canonicalNumber } from '../../src/lib/dedupe/canonical.ts';
import { Mac } from '../../src/lib/dedupe/mac.ts';
import { Seen } from '../../src/lib/dedupe/seen.ts';
import { cut, seeded } from '../mrr/replay.ts';
import { App, linesOf, pipe } from './pipe.ts';

const once = (words: readonly string[], input: readonly string[]) => pipe('transform dedupe', dedupe, words, input);
const ids = (records: readonly Record<string, unknown>[]) => records.map(({ id }) => id);

describe('the hash', () => {
  it('is Chaskey-12, by the vectors of its authors', () => {
    const key = Buffer.alloc(16);
    [0x833d3433, 0x009f389f, 0x2398e64f, 0x417acf39].forEach((word, i) => key.writeUInt32LE(word, 4 * i));
    const mac = new Mac(key);
    const message = Buffer.from(Array.from({ length: 64 }, (_, i) => i));
    const tags = [48, 61, 62, 63].map((length) => {
      mac.hash(message, 0, length);
      return [...mac.tag].map((word) => (word >>> 0).toString(16).padStart(8, '0')).join(' ');
    });
    expect(tags).toEqual([
      'f36e748b 8f34677f 1e00ba1b dd7da46d',
      '079e0279 f6c252f7 e99e3e03 88ba1a2a',
      '0f40ed0f a69bc80f 8e06f97c 61e89697',
      '2dd072e1 42b89efe fb26b615 049aa451',
    ]);
  });

  it('takes a text by its UTF-8 bytes, however long', () => {
    const mac = new Mac(Buffer.alloc(16, 7));
    for (const text of ['', 'a', 'naïve ✓ 🎈', 'x'.repeat(5000), '🎈'.repeat(700)]) {
      mac.hashText(text);
      const byText = [...mac.tag];
      const bytes = Buffer.from(text);
      mac.hash(bytes, 0, bytes.length);
      expect([...mac.tag]).toEqual(byText);
    }
  });
});

describe('a number', () => {
  /** What it is worth, as a fraction of whole numbers: nothing is lost. */
  const worth = (text: string): [bigint, bigint] => {
    const [, sign, whole = '', fraction = '', exponent = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
    const power = Number(exponent) - fraction.length;
    const digits = BigInt(whole + fraction) * (sign === '-' ? -1n : 1n);
    return power >= 0 ? [digits * 10n ** BigInt(power), 1n] : [digits, 10n ** BigInt(-power)];
  };
  const digits = (most: number) =>
    fc.array(fc.constantFrom(...'0000123456789'), { minLength: 1, maxLength: most }).map((all) => all.join(''));
  const number = fc
    .tuple(fc.constantFrom('', '-'), digits(25), fc.option(digits(25)), fc.option(fc.integer({ min: -400, max: 400 })))
    .map(([sign, whole, fraction, power]) => {
      const plain = `${sign}${BigInt(whole)}${fraction === null ? '' : `.${fraction}`}`;
      return power === null ? plain : `${plain}e${power}`;
    });
  /** The same written otherwise, or something near it. */
  const other = (text: string) => {
    const [plain = '', power = '0'] = text.split('e');
    const point = plain.includes('.') ? '' : '.0';
    const last = plain.at(-1) === '9' ? '8' : '9';
    return fc.constantFrom(
      `${plain}${point}0e${power}`,
      `${plain}${point}1e${power}`,
      `${plain.slice(0, -1)}${last}`,
      text.replace('e', 'E'),
    );
  };

  it('is the same text as another if and only if both are worth the same, and what JSON.stringify writes where a double holds it', () => {
    fc.assert(
      fc.property(
        number.chain((one) => fc.tuple(fc.constant(one), fc.oneof(other(one), number))),
        ([one, two]) => {
          const [[a, b], [c, d]] = [worth(one), worth(two)];
          expect(canonicalNumber(one) === canonicalNumber(two), `${one} ${two}`).toBe(a * d === c * b);
        },
      ),
      { seed: 20261125, numRuns: 5000 },
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.integer(),
          fc.integer({ max: 9e14, min: -9e14 }).map((n) => n / 1000),
        ),
        (value) => {
          expect(canonicalNumber(JSON.stringify(value))).toBe(JSON.stringify(value));
        },
      ),
    );
  });

  it('tells records apart however long it is, alone, with others, and inside', async () => {
    const lines = [
      '9007199254740992',
      '9007199254740993',
      '9007199254740993.0',
      '0.1000000000000000055',
      '0.1',
      '1e-1',
      '1e400',
      '1e401',
    ];
    const left = [0, 1, 3, 4, 6, 7];
    for (const [words, wrap] of [
      [[], (n: string) => `{"id":${n}}`],
      [['--key', 'a.b'], (n: string) => `{"a": {"b" : ${n}}}`],
      [['--key', 'id', '--key', 'k'], (n: string) => `{"k":"x","id":${n}}`],
      [[], (n: string) => `{"id":[{"n":${n}, "t":"\\u0041"}]}`],
      [[], (n: string) => `{"id":"x","revision":${n}}`],
    ] as [string[], (n: string) => string][]) {
      const all = lines.map(wrap);
      expect((await once(words, [all.map((line) => `${line}\n`).join('')])).lines).toEqual(left.map((i) => all[i]));
    }
  });
});

describe('the set', () => {
  it('knows what was added, in memory and on disk, and forgets generations', async () => {
    const random = seeded(5);
    const folder = mkdtempSync(join(tmpdir(), 'buda-seen-'));
    const seen = new Seen(folder, 64 * 1024);
    const known = new Map<string, number>();
    const word = () => Math.floor(random() * 2 ** 32) | 0;
    const hashes = Array.from({ length: 30_000 }, (_, i) => {
      const hash = Int32Array.of(word(), word(), word(), word());
      // Some share their first bits, or all but the last word.
      if (i % 50 === 0) hash.set([-1, -1, -1].slice(0, 1 + (i % 3)));
      return hash;
    });
    let spills = 0;
    for (const [i, hash] of [...hashes, ...hashes.slice(0, 20_000)].entries()) {
      const generation = 1 + Math.floor(i / 5000);
      const oldest = Math.max(1, generation - 3);
      const expected = (known.get(hash.join()) ?? 0) >= oldest;
      expect(seen.find(hash, oldest) >= oldest).toBe(expected);
      if (!expected) {
        seen.add(hash, generation, oldest);
        known.set(hash.join(), generation);
      }
      if (!seen.isFull) continue;
      await seen.spill(`run-${spills++}`, oldest);
      expect(seen.runs.length).toBeLessThan(9);
      expect(seen.runs.reduce((sum, { shape }) => sum + shape.entries, 0)).toBeLessThan(60_000);
    }
    expect(spills).toBeGreaterThan(10);
    seen.close();
  });
});

describe('buda transform dedupe', () => {
  it('lets the first of each id and revision through, untouched', async () => {
    const input = [
      '{"id":"a","n":1.0}',
      '{"id":"b"}',
      '{"n":2,"id":"a"}',
      '{"id":"a","revision":1}',
      '{"id":"a","revision":2}',
      '{"revision":1, "id":"\\u0061"}',
      '{"id":1}',
      '{"id":"1"}',
      '{"id":1.0}',
      '{"no":"id"}',
      '{"no":"id"}',
      '{"no": "id"}',
      '{"id":null}',
    ];
    const { lines, said } = await once([], [input.map((line) => `${line}\n`).join('')]);
    expect(lines).toEqual([0, 1, 3, 4, 6, 7, 9, 11, 12].map((i) => input[i]));
    expect(said).toEqual(['left out 4 repeats', '4 records without an identity: known by the whole line']);
  });

  it('compares by the keys that are named', async () => {
    const input = linesOf([
      { id: 1, user: { id: 'u' }, type: 'x' },
      { id: 2, user: { id: 'u' }, type: 'x' },
      { id: 3, user: { id: 'u' }, type: 'y' },
      { id: 4, user: { id: 'u,x' } },
      { id: 5, type: 'x' },
      { id: 6, user: 'u', type: 'x' },
    ]);
    expect(ids((await once(['--key', 'user.id', '--key', 'type'], [input])).records)).toEqual([1, 3, 4, 5]);
  });

  it('remembers a window of N, and an eighth more at most', async () => {
    const input = Array.from({ length: 3000 }, (_, i) => ({ id: i }));
    for (const [back, isRemembered] of [
      [799, true],
      [901, false],
    ] as const) {
      const repeated = [...input, { id: 3000 - 1 - back, again: true }];
      const { records } = await once(['--window', '800'], [linesOf(repeated)]);
      expect(records.length).toBe(isRemembered ? 3000 : 3001);
    }
  });

  it('remembers a window of time by the time in the records', async () => {
    const day = (n: number) => new Date(Date.UTC(2026, 0, 1 + n)).toISOString();
    const at = (id: string, n: number) => ({ id, created_at: day(n) });
    const input = [at('a', 0), at('b', 10), at('a', 80), at('a', 89), { id: 'c' }, at('d', 102), at('a', 102), { id: 'c' }];
    expect(ids((await once(['--window', '90d'], [linesOf(input)])).records)).toEqual(['a', 'b', 'c', 'd', 'a']);
    const seconds = [
      { id: 1, created: 0 },
      { id: 1, created: 60 },
      { id: 2, created: 5000 },
      { id: 1, created: 10 },
    ];
    expect(ids((await once(['--window', '1h'], [linesOf(seconds)])).records)).toEqual([1, 2, 1]);
  });

  it.each(['80ms', '1s', '5s', '7s', '1m'])('remembers %s of today’s time, and of times that are too great', async (window) => {
    const nowMs = Date.UTC(2026, 10, 25);
    const partMs = Number.parseInt(window, 10) * (window.endsWith('ms') ? 1 : window.endsWith('s') ? 1000 : 60_000);
    const at = (id: number, ms: number) => ({ id, at: ms });
    const input = [at(1, nowMs), at(1, nowMs), at(2, nowMs + partMs / 2), at(1, nowMs + partMs), at(1, nowMs + 3 * partMs)];
    const words = ['--window', window, '--time', 'at'];
    expect(ids((await once(words, [linesOf(input)])).records)).toEqual([1, 2, 1]);
    // In microseconds all of a day is far away.
    const micro = [at(1, nowMs * 1000), at(1, nowMs * 1000), at(2, 9e17), at(1, 9e17), at(2, 9e17)];
    expect(ids((await once(words, [linesOf(micro)])).records)).toEqual([1, 2, 1]);
  });

  it('goes to disk past --memory, and is as exact there', async () => {
    const random = seeded(9);
    const input = Array.from({ length: 40_000 }, (_, i) => ({ id: `e_${Math.floor(random() * i)}` }));
    const expected = [...new Set(ids(input))];
    const pieces = cut(input, 200, random).map(linesOf);
    const before = process.env.TMPDIR;
    process.env.TMPDIR = mkdtempSync(join(tmpdir(), 'buda-temporary-'));
    try {
      expect(ids((await once(['--memory', '64k'], pieces)).records)).toEqual(expected);
      expect(readdirSync(tmpdir()).filter((name) => name.startsWith('buda-dedupe-'))).toEqual([]);
    } finally {
      if (before === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = before;
    }
  });

  it('knows a line however the ones around it are written', async () => {
    const random = seeded(12);
    const kinds: ((n: number) => [line: string, identity: string | undefined])[] = [
      (n) => [`{"id":"e${n}"}`, `"e${n}"`],
      (n) => [`{"x":{"id":1},"id":"\\u0065${n}"}`, `"e${n}"`],
      (n) => [`{"id":${n}}`, `${n}`],
      (n) => [`{"id":${n}.0}`, `${n}`],
      (n) => [`{"id":"e${n}","revision":${n % 3}}`, `"e${n}",${n % 3}`],
      (n) => [`{"id":null,"n":${n}}`, `line {"id":null,"n":${n}}`],
      (n) => [`{"n":${n}}`, `line {"n":${n}}`],
      (n) => [`{"id":"e${n}"`, undefined],
    ];
    for (let round = 0; round < 30; round++) {
      const seen = new Set<string>();
      const expected: string[] = [];
      let bad = 0;
      // Now and then every line is of one kind, or all but few are.
      const plain = random() < 0.5 ? random() : 0;
      const lines = Array.from({ length: 1000 }, () => {
        const kind = kinds[random() < plain ? 0 : Math.floor(random() * kinds.length)]!;
        const [line, identity] = kind(Math.floor(random() * 200));
        if (identity === undefined) bad++;
        else if (!seen.has(identity)) expected.push(line);
        if (identity !== undefined) seen.add(identity);
        return `${line}\n`;
      });
      const { lines: found, letters } = await pipe(
        'transform dedupe',
        dedupe,
        [],
        cut(lines, 7, random).map((all) => all.join('')),
        { keep: true },
      );
      expect(found).toEqual(expected);
      expect(letters.length).toBe(bad);
    }
  });

  it('rejects what is no JSON', async () => {
    const { records, letters } = await pipe(
      'transform dedupe',
      dedupe,
      [],
      ['{"id":1}\n{"id":2\n{"id":1}\n{"id":"\xff"}\n', Buffer.from([0x7b, 0xff, 0x7d, 10])],
      { keep: true },
    );
    expect(ids(records)).toEqual([1, '\xff']);
    expect(letters.map(({ reason }) => reason)).toEqual(['not JSON', 'not UTF-8']);
  });
});

describe('buda transform dedupe under an app', () => {
  const windows = [[], ['--window', '700'], ['--window', '90d', '--time', 'at']];

  it.each(windows.flatMap((words) => [[words, '1g'] as const, [words, '32k'] as const]))(
    'killed anywhere and run again gives the same output: %s --memory %s',
    async (words, memory) => {
      await fc.assert(
        fc.asyncProperty(fc.nat(), async (seed) => {
          const random = seeded(seed);
          const input = Array.from({ length: 6000 }, (_, i) => ({
            id: Math.floor(random() * (i + 100)),
            at: new Date(Date.UTC(2026, 0, 1) + i * 3_600_000 * random()).toISOString(),
          }));
          const expected = (await once(words, [linesOf(input)])).lines;
          const epochs = cut(input, 12, random).map(linesOf);
          const app = new App('transform dedupe', dedupe);
          // What each epoch came to, in the run that committed it.
          const committed: string[] = [];
          do {
            const before = app.commits;
            const commits = random() < 0.2 ? 0 : Math.floor(random() * 5);
            const { lines } = await app.run([...words, '--memory', memory], epochs, commits);
            let mark = before;
            for (const line of lines) {
              if (line.startsWith('["buda.mark"')) mark++;
              else if (line[0] === '{' && mark < app.commits) committed.push(line);
            }
          } while (app.commits < epochs.length);
          expect(committed).toEqual(expected);
        }),
        { seed: 20261124, numRuns: 4 },
      );
    },
  );

  it('keeps its state in a store on disk, and only the files that it needs', async () => {
    const random = seeded(11);
    const input = Array.from({ length: 20_000 }, (_, i) => ({ id: Math.floor(random() * (i + 100)) }));
    const epochs = cut(input, 30, random).map(linesOf);
    const app = new App('transform dedupe', dedupe, true);
    const seen = new Set<string>();
    do {
      const { lines } = await app.run(['--memory', '32k'], epochs, 1 + Math.floor(random() * 6));
      for (const line of lines) if (line[0] === '{') seen.add(line);
    } while (app.commits < epochs.length);
    expect(seen.size).toBe(new Set(ids(input)).size);
    expect((await app.run(['--memory', '32k'], [...epochs, epochs[0]!, epochs[1]!])).records).toEqual([]);
    const files = readdirSync(join(app.folder!, 'billing.saved', 'transform-dedupe', 'files'));
    expect(files.length).toBeGreaterThan(0);
    expect(files.length).toBeLessThan(8);
    expect(readdirSync(app.home)).toEqual([]);
  });

  it('refuses another window, and begins anew under --rebuild', async () => {
    const app = new App('transform dedupe', dedupe, true);
    await app.run([], [linesOf([{ id: 1 }])]);
    const epochs = ['', linesOf([{ id: 1 }])];
    await expect(app.run(['--window', '5'], epochs)).rejects.toMatchObject({ exit: 78 });
    expect((await app.run(['--window', '5', '--rebuild'], epochs)).records).toEqual([{ id: 1 }]);
  });

  it('says so where the app has commits, but nothing is saved of what was seen', async () => {
    const app = new App('transform dedupe', dedupe, true);
    const epochs = ['a', 'b'].map((id) => linesOf([{ id }]));
    expect((await app.run([], epochs, 1)).said.join()).not.toContain('nothing is saved');
    rmSync(join(app.folder!, 'billing.saved'), { recursive: true });
    expect((await app.run([], epochs)).said).toContainEqual(expect.stringContaining('has 1 commit, but nothing is saved'));
  });

  it('refuses to go on without a file of its state', async () => {
    const app = new App('transform dedupe', dedupe);
    const epochs = [linesOf(Array.from({ length: 3000 }, (_, i) => ({ id: i })))];
    await app.run(['--memory', '32k'], epochs);
    const other = new App('transform dedupe', dedupe);
    Object.assign(app, { home: other.home });
    await expect(app.run(['--memory', '32k'], [...epochs, ''])).rejects.toMatchObject({ exit: 65 });
  });
});
