import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import replay from '../src/commands/dead-letter/replay.ts';
import type { AppState } from '../src/lib/checkpoints.ts';
import { keepDeadLetters } from '../src/lib/dead-letters.ts';
import { readBatches } from '../src/lib/lines.ts';
import { parseControl } from '../src/lib/marks.ts';
import { type DeadLetter, Rejects } from '../src/lib/rejects.ts';
import { bash, environmentIn, temporary } from './house/bash.ts';
import { testCall, testContext } from './support/context.ts';

const folder = mkdtempSync(join(temporary, 'buda-letters-'));
const env = environmentIn(folder);
const run = (script: string, input = '') => bash(script, { cwd: folder, env, input: Buffer.from(input) });
const lettersOf = (name: string) =>
  readFileSync(join(folder, name), 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as DeadLetter);
const commitsOf = (app: string) => (JSON.parse(readFileSync(join(folder, `home/state/${app}.json`), 'utf8')) as AppState).commits;

vi.setConfig({ maxConcurrency: 2 });

beforeAll(async () => {
  mkdirSync(join(folder, 'home'), { mode: 0o700 });
  // Every tenth is one that the filters below spoil; the other nine go through.
  const records = Array.from({ length: 400 }, (_, n) => `{"id":"e_${n}"${n % 10 === 9 ? ',"spoil":1' : ''}}\n`).join('');
  const { exit, stderr } = await run('buda put-stream -q numbers', records);
  expect(exit, stderr).toBe(0);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.concurrent('--dead-letter', () => {
  test('keeps the line, with the reason, the step, the place, the time and the hash', async () => {
    const { exit, stdout } = await run('buda each -q --dead-letter kept -- cat', '{"id":1}\n["id",2]\n');
    expect([exit, stdout]).toEqual([0, '{"id":1}\n']);
    expect(lettersOf('kept')).toEqual([
      {
        reason: 'an array, and no mark: a line must be a JSON object',
        step: 'each',
        position: 'line 2',
        at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        sha256: '7a9609abc4a2f783dfee7b23aaaab5fd43bf3c574da45fc866978a8544431f52',
        record: '["id",2]',
      },
    ]);
    expect(statSync(join(folder, 'kept')).mode & 0o777).toBe(0o600);
  });

  test('makes no file where nothing is rejected', async () => {
    await run('buda each -q --dead-letter none -- cat', '{"id":1}\n');
    expect(existsSync(join(folder, 'none'))).toBe(false);
  });

  test('begins a line of its own behind one that a full disk has cut', async () => {
    writeFileSync(join(folder, 'torn'), '{"reason":"cut in the mid');
    await run('buda each -q --dead-letter torn -- cat', 'bad\n');
    const [torn, whole] = readFileSync(join(folder, 'torn'), 'utf8').split('\n');
    expect(torn).toBe('{"reason":"cut in the mid');
    expect(JSON.parse(whole ?? '')).toMatchObject({ record: 'bad' });
  });

  test('into a stream', async () => {
    const script = 'buda each -q --dead-letter local:dead -- cat && buda get-stream dead -e -q | buda dead-letter replay -';
    expect(await run(script, 'one\n{"id":1}\ntwo\n')).toEqual({ exit: 0, stdout: '{"id":1}\none\ntwo\n', stderr: '' });
  });

  test('a stream is named well before anything is rejected', async () => {
    expect(await run("buda each -q --dead-letter 'local:a b' -- cat", '')).toMatchObject({ exit: 2 });
  });

  test.skipIf(!existsSync('/dev/full'))('what cannot be kept is no reason to go on: nothing is committed', async () => {
    const pipe = (letters: string) =>
      `buda get-stream numbers -q -e --epoch 100 --app full | sed 's/^{.*spoil/x/' | buda put-stream -q full --app full --dead-letter ${letters}`;
    const { exit, stderr } = await run(pipe('/dev/full'));
    expect(stderr).toContain('a dead letter could not be kept: the disk is full (/dev/full)');
    expect([exit, commitsOf('full')]).toEqual([1, 0]);
    const mended = await run(pipe('letters'));
    expect([mended.exit, commitsOf('full'), lettersOf('letters').length], mended.stderr).toEqual([0, 4, 40]);
  });

  test('a file that may grow no further: the epochs before it stand, and none is lost', async () => {
    const pipe = (limit: string) =>
      `buda get-stream numbers -q -e --epoch 100 --app small | sed -E 's/^[{](.*)spoil/x\\1/' | (${limit} buda put-stream -q small --app small --dead-letter small.letters)`;
    const { exit, stderr } = await run(pipe('ulimit -f 4; '));
    expect(stderr).toMatch(/past the size limit of this process/);
    expect(exit).toBe(1);
    expect(commitsOf('small')).toBeLessThan(4);
    const mended = await run(pipe(''));
    expect(mended.exit, mended.stderr).toBe(0);
    const replayed = await run('buda dead-letter replay small.letters');
    // The letter that the limit has cut is named; its record came again.
    expect(replayed).toMatchObject({
      exit: 65,
      stderr: expect.stringContaining('small.letters has lines that are no dead letters'),
    });
    expect(new Set(replayed.stdout.split('\n').slice(0, -1)).size).toBe(40);
    const delivered = new Set((await run('buda get-stream small -e -q')).stdout.split('\n').slice(0, -1));
    expect(delivered.size).toBe(360);
  });
});

describe.concurrent('--max-dead', () => {
  const pipe = (app: string, most: string) =>
    `buda get-stream numbers -q -e --epoch 100 --app ${app} |
      buda each -q --dead-letter ${app}.dead --max-dead ${most} -- sed 's/^{.*spoil/x/' | buda put-stream -q ${app} --app ${app}`;
  test.each([
    ['35', 65, 3, 'more than 35 lines were rejected'],
    ['40', 0, 4, ''],
    ['9%', 65, 3, 'lines were rejected, more than 9 %'],
    ['10%', 0, 4, ''],
  ])('%s of 400, of which 40 are rejected', async (most, exit, commits, said) => {
    const app = `flood-${most.replace('%', 'p')}`;
    const ran = await run(pipe(app, most));
    expect(ran.stderr).toContain(said);
    expect(ran.exit, ran.stderr).toBe(exit);
    // A filter's epoch is judged while later ones are read: where exactly it ends is a matter of time.
    expect(commitsOf(app)).toBeLessThanOrEqual(commits);
    if (exit === 0) return expect(commitsOf(app)).toBe(commits);
    // What was rejected until then is kept, and what was not committed comes again.
    expect(lettersOf(`${app}.dead`).length).toBeGreaterThanOrEqual(10);
    const again = await run(pipe(app, '100%'));
    expect([again.exit, commitsOf(app)], again.stderr).toEqual([0, 4]);
    expect(new Set(lettersOf(`${app}.dead`).map(({ record }) => record)).size).toBe(1);
    const delivered = await run(`buda get-stream ${app} -e -q | sort -u | wc -l`);
    expect(delivered.stdout.trim()).toBe('360');
  });

  test('a share of few lines is judged at the end only', async () => {
    const script = (most: string) => `buda each -q --dead-letter few.dead --max-dead ${most} -- cat`;
    expect(await run(script('50%'), 'bad\n{"id":1}\n')).toMatchObject({ exit: 0, stdout: '{"id":1}\n' });
    expect(await run(script('40%'), 'bad\n{"id":1}\n')).toMatchObject({ exit: 65, stdout: '{"id":1}\n' });
  });

  test.each(['x', '-1', '101%', '1.5', '%'])('%s is refused', async (most) => {
    expect(await run(`buda each --dead-letter few.dead --max-dead=${most} -- cat`)).toMatchObject({ exit: 2 });
  });
});

test('replay gives every line back, byte for byte', async () => {
  const line = fc.oneof(
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    fc.string({ unit: 'binary', maxLength: 40 }).map((text) => Buffer.from(text)),
    fc.constantFrom('["buda.mark",1]', '[]', '<html>', '\ufeff{}', '{"cut":', '"\u2028"').map((text) => Buffer.from(text)),
  );
  const path = join(folder, 'random');
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 12 }), async (lines) => {
      const given = lines.map((one) => Buffer.from(one.toString('latin1').replaceAll('\n', ' '), 'latin1'));
      const letters = keepDeadLetters(path);
      const rejects = new Rejects('step', letters, () => new Date());
      const rejected: Buffer[] = [];
      async function* chunks() {
        for (const one of given) yield Buffer.concat([one, Buffer.from('\n')]);
      }
      for await (const _ of readBatches(chunks(), {
        maxLineBytes: 1000,
        reject: (one) => {
          rejects.raw(one);
          rejected.push(one.head);
        },
      }));
      await rejects.close();
      const context = testContext();
      if (rejected.length > 0) {
        const { call } = testCall('dead-letter replay', {}, context, [path]);
        await replay.run?.(call as never);
      }
      rmSync(path, { force: true });
      expect(Buffer.concat(context.written)).toEqual(Buffer.concat(rejected.flatMap((one) => [one, Buffer.from('\n')])));
    }),
    { seed: 31, numRuns: 200 },
  );
});

test('replay lets no mark out, and no line that was cut', async () => {
  const letter = { step: 's', position: 'line 1', at: '2026-11-24T10:00:00Z', sha256: '', reason: 'r' };
  const mark = '["buda.end",1,{"exit":0}]';
  expect(parseControl(mark)).toBeDefined();
  for (const record of [{ record: mark }, { record: '{"a', length: 9000 }, { record: '{}' }])
    appendFileSync(join(folder, 'odd'), `${JSON.stringify({ ...letter, ...record })}\n`);
  expect(await run('buda dead-letter replay odd')).toMatchObject({ exit: 65, stdout: '{}\n' });
});
