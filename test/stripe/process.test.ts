import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readBatches } from '../../src/lib/lines.ts';
import { testContext } from '../support/context.ts';
import { event, ListServer } from './server.ts';
import { committer, idsOf, linesOf, storeOf } from './support.ts';

const buda = resolve(import.meta.dirname, '../../bin/buda');
let server: ListServer;
let base: string;
let home: string;

beforeEach(async () => {
  server = new ListServer();
  base = await server.start();
  home = testContext().home;
});
afterEach(() => server.stop());

function start(words: string[], key = server.key) {
  const env = { PATH: process.env.PATH, BUDA_HOME: home, STRIPE_API_KEY: key, STRIPE_API_BASE: base };
  const child = spawn(buda, ['produce', 'stripe', ...words], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.on('data', (piece) => (said += piece));
  return { child, exit: once(child, 'exit').then(([code, signal]) => ({ code, signal, said })) };
}

/** Runs the program with this test as its sink; kills it (-9) when `killAt` marks were committed, before the next one is. */
async function run(words: string[], killAt = Number.POSITIVE_INFINITY): Promise<string[]> {
  const { child, exit } = start(['--app', 'k', '--rate', '1000', ...words]);
  const commits = committer(storeOf(home));
  const lines: string[] = [];
  let pending: string[] = [];
  let marks = 0;
  const reject = () => {
    throw new Error('a bad line on the wire');
  };
  try {
    for await (const batch of readBatches(child.stdout, { maxLineBytes: 1 << 24, reject })) {
      pending.push(...linesOf(batch));
      const control = batch.control;
      if (control?.kind === 'begin') commits.begin(control.begin);
      if (control?.kind !== 'mark') continue;
      if (marks++ >= killAt) {
        child.kill('SIGKILL');
        break;
      }
      await commits.mark(control.mark.shard ?? '', control.mark.to);
      lines.push(...pending);
      pending = [];
    }
  } catch (error) {
    // Cut inside a line by the kill.
    expect(error).toMatchObject({ exit: 75 });
  }
  await exit;
  return lines;
}

it('kill -9 in the middle of a window: what was committed is not read again, what was not comes again, nothing is lost', async () => {
  for (let n = 0; n < 900; n++) server.add('events', event(n, server.nowS - 9_000 + Math.floor(n / 4)));
  const lines: string[] = [];
  for (const killAt of [1, 0, 2, 1, 3]) {
    server.nowS += 3;
    lines.push(...(await run([], killAt)));
  }
  lines.push(...(await run([])), ...(await run([])));
  expect(idsOf(lines)).toEqual(Array.from({ length: 900 }, (_, n) => event(n, 0).id));
});

it('follows until SIGTERM, ends with its last mark and exits 0', async () => {
  server.add('events', event(1, server.nowS - 100));
  const ticking = setInterval(() => server.nowS++, 20);
  const { child, exit } = start(['--app', 'k', '--follow', '--poll', '50ms', '--rate', '1000']);
  let out = '';
  child.stdout.on('data', (piece) => (out += piece));
  while (server.asked.length < 10) await new Promise((wait) => setTimeout(wait, 10));
  child.kill('SIGTERM');
  expect(await exit).toMatchObject({ code: 0 });
  clearInterval(ticking);
  const lines = out.trimEnd().split('\n');
  expect(lines.at(-1)).toBe('["buda.end",1,{"exit":0}]');
  expect(lines.at(-2)).toMatch(/^\["buda.mark"/);
});

it('ends at once by SIGTERM while an answer is slow', async () => {
  server.before = () => ({ slowMs: 20_000 });
  const { child, exit } = start([]);
  while (server.asked.length < 1) await new Promise((wait) => setTimeout(wait, 10));
  child.kill('SIGTERM');
  const beganMs = performance.now();
  expect(await exit).toMatchObject({ code: 0 });
  expect(performance.now() - beganMs).toBeLessThan(2_000);
});

it('says what to do: no key, a wrong key, no network, words that make no sense', async () => {
  const wanted: [words: string[], key: string | undefined, code: number, said: string][] = [
    [[], '', 77, 'STRIPE_API_KEY'],
    [[], 'sk_test_wrong123456', 77, 'put a valid secret or restricted key'],
    [['--api-base', 'http://127.0.0.1:9'], undefined, 75, 'ECONNREFUSED'],
    [['nonsense'], undefined, 2, 'subscriptions'],
    [['--overlap', '1m'], undefined, 2, '10m at least'],
    [['-e', '-f'], undefined, 2, 'exclude each other'],
    [['--position', 'yesterday'], undefined, 2, '--position takes a time'],
    [['--from', 'dump.ndjson', '--follow'], undefined, 2, '--from reads a dump'],
  ];
  await Promise.all(
    wanted.map(async ([words, key, code, said]) =>
      expect(await start(words, key).exit).toMatchObject({ code, said: expect.stringContaining(said) }),
    ),
  );
});
