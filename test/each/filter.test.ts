import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { guarded } from '../../src/lib/call.ts';
import { filter } from '../../src/lib/each/filter.ts';
import { Failure } from '../../src/lib/errors.ts';
import { type Batch, writeBatch } from '../../src/lib/lines.ts';
import { formatControl } from '../../src/lib/marks.ts';
import { checkProtocol } from '../../src/lib/protocol.ts';
import { batchesOf, testCall, testContext } from '../support/context.ts';

const folder = mkdtempSync(join(tmpdir(), 'buda-each-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const begin = '["buda.begin",1,{"app":"a","source":"s","run":"r","term":1,"at":0,"from":{}}]';
const end = '["buda.end",1,{"exit":0}]';
function pipeOf(epochs: readonly (readonly string[])[]): string {
  const marks = epochs.map((lines, i) => [...lines, formatControl(markOf(i + 1, [['s', 0, lines.length, 0]]))]);
  return `${[begin, ...marks.flat(), end].join('\n')}\n`;
}
function markOf(to: number, c: [string, number, number, number][]) {
  return { kind: 'mark', mark: { to: String(to), c } } as const;
}

interface How {
  jobs?: number;
  ok?: number[];
  keep?: boolean;
  timeoutMs?: number;
  context?: ReturnType<typeof testContext>;
}

/** What comes out of `buda each -- words` by the lines, and what it threw. */
async function run(
  words: string[],
  input: string | AsyncIterable<Batch>,
  { jobs = 1, ok = [], keep = false, timeoutMs, context }: How = {},
) {
  const own = context ?? testContext({ env: process.env });
  const { call, letters } = testCall('each', { maxLine: 16 * 1024 ** 2 }, own, [], keep);
  const batches = typeof input === 'string' ? batchesOf([input]) : input;
  const pieces: Buffer[] = [];
  let error: unknown;
  try {
    for await (const batch of guarded(call, filter(call, { words, okCodes: ok, timeoutMs }, jobs))(batches))
      pieces.push(writeBatch(batch));
  } catch (thrown) {
    error = thrown;
  }
  return { lines: Buffer.concat(pieces).toString().split('\n').slice(0, -1), error, letters, said: own.said };
}

const mark = (to: number, inCount: number, outCount: number, deadCount = 0) =>
  formatControl(
    markOf(to, [
      ['s', 0, inCount, 0],
      ['each', inCount, outCount, deadCount],
    ]),
  );

describe('under marks', () => {
  test('a child sees one epoch, and the mark follows what it wrote', async () => {
    const { lines } = await run(['sort', '-r'], pipeOf([['{"n":1}', '{"n":2}'], [], ['{"n":3}', '{"n":4}']]));
    expect(lines).toEqual([begin, '{"n":2}', '{"n":1}', mark(1, 2, 2), mark(2, 0, 0), '{"n":4}', '{"n":3}', mark(3, 2, 2), end]);
  });

  test('whatever the epochs and the jobs, all that is marked was written before, in order, and nothing behind a failure', async () => {
    const epochs = fc.array(fc.array(fc.nat(99), { maxLength: 4 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(epochs, fc.integer({ min: 1, max: 3 }), fc.option(fc.nat(4)), async (numbers, jobs, failing) => {
        const pipe = numbers.map((epoch, i) => epoch.map((n) => `{"n":${n}${i === failing ? ',"bad":1' : ''}}`));
        // Writes what it read before it fails: nothing of it may be seen.
        const { lines, error } = await run(['awk', '/bad/ { bad = 5 } { print } END { exit bad }'], pipeOf(pipe), { jobs });
        const failed = pipe.findIndex((epoch, i) => i === failing && epoch.length > 0);
        const good = failed < 0 ? pipe : pipe.slice(0, failed);
        expect(lines.slice(0, -1)).toEqual([
          begin,
          ...good.flatMap((epoch, i) => [...epoch, mark(i + 1, epoch.length, epoch.length)]),
        ]);
        if (failed < 0) expect([lines.at(-1), error]).toEqual([end, undefined]);
        else {
          expect(error).toMatchObject({ exit: 75 });
          expect(lines.at(-1)).toContain('["buda.end",1,{"exit":75,"why":"awk exited with 5');
        }
      }),
      { seed: 11, numRuns: 25 },
    );
  });

  test('-j runs epochs side by side: here each waits for the other', async () => {
    const script = 'read -r line; touch "$0.$line"; while [ $(ls "$0".* | wc -l) -lt 2 ]; do sleep 0.01; done; echo "$line"';
    const { lines } = await run(['sh', '-c', script, join(folder, 'meet')], pipeOf([['{"n":1}'], ['{"n":2}']]), { jobs: 2 });
    expect(lines).toEqual([begin, '{"n":1}', mark(1, 1, 1), '{"n":2}', mark(2, 1, 1), end]);
  });

  test('an epoch leaves as soon as its child has ended, though nothing more comes in', async () => {
    let isOut = false;
    async function* slowly() {
      yield* batchesOf([`${begin}\n{"n":1}\n${formatControl(markOf(1, [['s', 0, 1, 0]]))}\n`]);
      while (!isOut) await sleep(5);
      yield* batchesOf([`${end}\n`]);
    }
    const { call } = testCall('each', { maxLine: 1000 }, testContext({ env: process.env }));
    for await (const { control } of filter(call, { words: ['cat'], okCodes: [] }, 4)(slowly())) {
      if (control?.kind === 'mark') isOut = true;
    }
    expect(isOut).toBe(true);
  });

  test('a child that reads no further and ends well has not failed', async () => {
    const epoch = Array.from({ length: 50_000 }, (_, n) => `{"n":${n}}`);
    const { lines, error } = await run(['head', '-n', '1'], pipeOf([epoch, ['{"n":"x"}']]));
    expect(error).toBe(undefined);
    expect(lines).toEqual([begin, '{"n":0}', mark(1, 50_000, 1), '{"n":"x"}', mark(2, 1, 1), end]);
  });

  test('--ok names exit codes that are no failure', async () => {
    const pipe = pipeOf([['{"n":1}'], ['{"n":2}']]);
    expect((await run(['grep', '1'], pipe, { ok: [1] })).lines).toEqual([begin, '{"n":1}', mark(1, 1, 1), mark(2, 1, 0), end]);
    expect((await run(['grep', '1'], pipe)).error).toMatchObject({ exit: 75 });
  });

  test('with dead letters the input of a child that failed is kept, each line with its number', async () => {
    const { lines, letters, error } = await run(
      ['awk', '{ print } /2/ { exit 5 }'],
      pipeOf([['{"n":1}'], ['{"n":2}', '{"n":3}']]),
      {
        keep: true,
        jobs: 2,
      },
    );
    expect(error).toBe(undefined);
    expect(lines).toEqual([begin, '{"n":1}', mark(1, 1, 1), mark(2, 2, 0, 2), end]);
    expect(letters.map(({ reason, position, record }) => [reason, position, record])).toEqual([
      ['awk exited with 5', 'line 4', '{"n":2}'],
      ['awk exited with 5', 'line 5', '{"n":3}'],
    ]);
  });

  test('what looks like a mark is none, and no other line that is no record passes', async () => {
    const forged = '["buda.mark",1,{"to":"9","c":[]}]';
    const words = ['sh', '-c', `cat; echo '${forged}'; echo '[1]'; printf '{"cut":'`];
    const { error, lines } = await run(words, pipeOf([['{"n":1}']]));
    expect(error).toMatchObject({ exit: 65, message: expect.stringContaining('written by sh: it looks like a mark') });
    expect(lines).toEqual([begin, '{"n":1}', expect.stringContaining('"buda.end",1,{"exit":65')]);
    const kept = await run(words, pipeOf([['{"n":1}']]), { keep: true });
    expect(kept.lines).toEqual([begin, '{"n":1}', mark(1, 1, 1, 3), end]);
    expect(kept.letters.map(({ record }) => record)).toEqual([forged, '[1]', '{"cut":']);
  });

  test('what does not fit in memory is held in a file that has no name', async () => {
    const line = `{"s":"${'x'.repeat(1000)}"}`;
    const epoch = Array.from({ length: 12_000 }, () => line);
    const { lines } = await run(
      ['sh', '-c', `cat; ls "\${TMPDIR:-/tmp}" | grep -c '^buda-[0-9a-f]\\{16\\}$' >&2; true`],
      pipeOf([epoch]),
    );
    expect(lines.length).toBe(12_003);
    expect(lines.filter((one) => one !== line)).toEqual([begin, mark(1, 12_000, 12_000), end]);
  });

  test('what it says on stderr is passed on behind its name', async () => {
    const { said } = await run(['sh', '-c', 'echo one >&2; cat; printf two >&2'], pipeOf([['{}']]));
    expect(said).toEqual(['sh: one', 'sh: two']);
  });

  test('a child that takes too long is killed, whatever it has started, and its epoch fails or is kept', async () => {
    const input = pipeOf([['{"n":1}'], ['{"n":2}'], ['{"n":3}']]);
    const slow = ['sh', '-c', 'read line; case $line in *2*) sleep 30 & sleep 30;; esac; echo $line'];
    const startedMs = performance.now();
    const { lines, error } = await run(slow, input, { timeoutMs: 300 });
    expect(lines.slice(0, -1)).toEqual([begin, '{"n":1}', mark(1, 1, 1)]);
    expect(error).toMatchObject({ exit: 75, message: expect.stringContaining('sh took longer than 0.3 s') });
    const kept = await run(slow, input, { timeoutMs: 300, keep: true });
    expect(kept.lines).toEqual([begin, '{"n":1}', mark(1, 1, 1), mark(2, 1, 0, 1), '{"n":3}', mark(3, 1, 1), end]);
    expect(kept.letters).toMatchObject([{ record: '{"n":2}', reason: 'sh took longer than 0.3 s' }]);
    expect(performance.now() - startedMs).toBeLessThan(20_000);
    expect((await run(['cat'], input, { timeoutMs: 20_000 })).error).toBeUndefined();
  });

  test('a bad line further on does not cost the epochs before it', async () => {
    const broken = checkProtocol(batchesOf([pipeOf([['{"n":1}'], ['{"n":2}']]).replace('{"n":2}', 'x')], thrown));
    const { lines, error } = await run(['sh', '-c', 'sleep 0.1; cat'], broken);
    expect(lines.slice(0, 3)).toEqual([begin, '{"n":1}', mark(1, 1, 1)]);
    expect(error).toMatchObject({ exit: 65 });
  });
  function thrown(reason: string): void {
    throw new Failure('badData', reason);
  }

  test('a child that ran when the signal came is run once more: it may have been cut short by it', async () => {
    const file = join(folder, 'second');
    const context = testContext({ env: process.env });
    const stop = (async () => {
      while (!existsSync(file)) await sleep(5);
      context.stop();
    })();
    const script = 'if [ -e "$0" ]; then exec cat; fi; read -r line; echo "$line"; touch "$0"; sleep 0.3';
    const { lines } = await run(['sh', '-c', script, file], pipeOf([['{"n":1}', '{"n":2}']]), { context });
    await stop;
    expect(lines).toEqual([begin, '{"n":1}', '{"n":2}', mark(1, 2, 2), end]);
  });

  test('a reader that goes away ends the children', async () => {
    const { call } = testCall('each', { maxLine: 1000 }, testContext({ env: process.env }));
    const file = join(folder, 'pid');
    const script = 'read -r line; case "$line" in *2*) echo $$ >"$0.new"; mv "$0.new" "$0"; exec sleep 60;; esac; echo "$line"';
    const input = batchesOf([pipeOf([['{"n":1}'], ['{"n":2}']])]);
    const output = filter(call, { words: ['sh', '-c', script, file], okCodes: [] }, 2)(input)[Symbol.asyncIterator]();
    await output.next();
    expect((await output.next()).value.bytes.toString()).toBe('{"n":1}\n');
    while (!existsSync(file)) await sleep(5);
    const pid = Number(readFileSync(file, 'utf8'));
    expect(isAlive(pid)).toBe(true);
    await output.return?.();
    for (let waitedMs = 0; waitedMs < 2000 && isAlive(pid); waitedMs += 5) await sleep(5);
    expect(isAlive(pid)).toBe(false);
  });
  function isAlive(pid: number): boolean {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  }
});

describe('without marks', () => {
  test('it is a plain pipe through one child', async () => {
    const { lines } = await run(['sort', '-r'], '{"n":1}\n{"n":2}\n');
    expect(lines).toEqual(['{"n":2}', '{"n":1}']);
    expect((await run(['printf', '{"n":1}'], '')).lines).toEqual(['{"n":1}']);
  });

  test('a child that has enough ends the step, whatever else comes', async () => {
    let isClosed = false;
    async function* endless() {
      try {
        for (;;) yield* batchesOf(['{"n":1}\n'.repeat(1000)]);
      } finally {
        isClosed = true;
      }
    }
    const { lines, error } = await run(['head', '-n', '2'], endless());
    expect([lines, error]).toEqual([['{"n":1}', '{"n":1}'], undefined]);
    await sleep(20);
    expect(isClosed).toBe(true);
  });

  test.each([
    [['false'], 1, 'false exited with 1'],
    [['buda-no-such-program'], 78, 'there is no such program'],
    [['/'], 78, 'it is not a program'],
  ])('%s', async (words, exit, message) => {
    const { error } = await run(words, '{}\n');
    expect(error).toMatchObject({ exit, message: expect.stringContaining(message) });
  });
});
