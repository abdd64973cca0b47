import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bash, environmentIn, root, temporary } from '../house/bash.ts';

/**
 * The sandbox keeps books of its own, which share no code with the transform: each month and currency has to agree with them. It opens in the middle
 * of a month, so that the 30 days of events that the API shows hold the end of the last one.
 */
const folder = mkdtempSync(join(temporary, 'buda-truth-'));
const now = '2026-10-20T00:00:00Z';
let sandbox: ReturnType<typeof spawn>;
let stripe: Record<string, string> = {};

type Row = Record<string, any>;
const rowsOf = (text: string) =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Row);
const closings = (rows: Row[]) =>
  new Map(rows.map(({ month, currency, closing }) => [`${month} ${currency}`, closing as number]));

async function run(script: string): Promise<Row[]> {
  const { exit, stdout, stderr } = await bash(script, {
    cwd: folder,
    env: { ...environmentIn(folder), ...stripe },
    pipefail: true,
  });
  expect(exit, stderr).toBe(0);
  return rowsOf(stdout);
}

beforeAll(async () => {
  const words = `sandbox stripe --customers 200 --months 12 --now ${now} --rate-limit 0 --events archive.ndjson --truth truth.ndjson`;
  sandbox = spawn(join(root, 'bin/buda'), words.split(' '), {
    cwd: folder,
    env: environmentIn(folder),
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const line = await new Promise<string>((resolve, reject) => {
    createInterface({ input: sandbox.stdout! }).once('line', resolve);
    sandbox.once('exit', (code) => reject(new Error(`the sandbox ended with ${code}`)));
  });
  const { api_base, api_key } = JSON.parse(line) as Record<string, string>;
  stripe = { STRIPE_API_BASE: api_base!, STRIPE_API_KEY: api_key! };
  await run('buda produce stripe --backfill -e --rate 1000 > api.ndjson');
});

afterAll(() => {
  sandbox.removeAllListeners('exit');
  sandbox.kill('SIGTERM');
  rmSync(folder, { recursive: true, force: true });
});

const truth = () => closings(rowsOf(readFileSync(join(folder, 'truth.ndjson'), 'utf8')));

it('from the archive and the crawl every month and currency agrees to the unit', async () => {
  const months = closings(await run('cat archive.ndjson api.ndjson | buda transform mrr --months'));
  expect(months.size).toBeGreaterThan(40);
  for (const [key, closing] of truth()) expect([key, months.get(key) ?? 0]).toEqual([key, closing]);
});

it('so it does under an app, one after the other into one ledger', async () => {
  const first = await run(
    'buda produce stripe --from archive.ndjson --app truth | buda transform mrr --months | tee one.ndjson | buda put-stream one; grep "^{" one.ndjson',
  );
  const second = await run(
    'buda produce stripe --from api.ndjson --app truth | buda transform mrr --months | tee two.ndjson | buda put-stream one; grep "^{" two.ndjson',
  );
  const rows = new Map<string, Row>();
  for (const row of [...first, ...second]) if ((rows.get(row.id)?.revision ?? 0) < row.revision) rows.set(row.id, row);
  const months = closings([...rows.values()].filter(({ op }) => op === 'upsert'));
  for (const [key, closing] of truth()) expect([key, months.get(key) ?? 0]).toEqual([key, closing]);
});

it('from the API alone the closing MRR and the last 30 days agree, and what lies before is estimated', async () => {
  const months = closings(await run('buda transform mrr --months < api.ndjson'));
  // The end of September lies 20 days back, that of October is now.
  const recent = [...truth()].filter(([key]) => key >= '2026-09');
  expect(recent.length).toBeGreaterThan(6);
  for (const [key, closing] of recent) expect([key, months.get(key) ?? 0]).toEqual([key, closing]);

  const since = Date.parse(now) / 1000 - 30 * 86_400 + 60;
  const byId = (rows: Row[]) => new Map(rows.map((row) => [row.id as string, row]));
  const [whole, alone] = [
    byId(await run('cat archive.ndjson api.ndjson | buda transform mrr')),
    byId(await run('buda transform mrr < api.ndjson')),
  ];
  const amounts = (rows: Map<string, Row>) =>
    [...rows.values()]
      .filter((row) => row.occurred_at >= since)
      .map(({ id, amount, mrr_after, reason }) => [id, amount, mrr_after, reason]);
  expect(amounts(alone).length).toBeGreaterThan(30);
  expect(amounts(alone)).toEqual(amounts(whole));
  const before = [...alone.values()].filter((row) => row.occurred_at < since);
  const known = before.filter(({ estimated }) => !estimated);
  // What is not estimated is the end of a subscription, which its snapshot tells.
  expect(new Set(known.map(({ source, type }) => `${source} ${type}`))).toEqual(new Set(['snapshot churn']));
  expect(before.length - known.length).toBeGreaterThan(50);
});
