// The main job on the embedded defaults, by the README's own pipelines: a Stripe sandbox, its archive backfilled, the account
// crawled, the movements loaded into the warehouse, the monthly MRR drawn. Everything lies in demo/; a second run adds nothing.
// With STRIPE_API_KEY set it crawls that account instead.
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const root = resolve(import.meta.dirname, '..');
const folder = join(root, 'demo');
const env = {
  ...process.env,
  BUDA_HOME: join(folder, 'home'),
  PATH: `${join(root, 'bin')}:${process.env.PATH}`,
};
mkdirSync(folder, { recursive: true, mode: 0o700 });

// MRR at the end of each month: all that moved up to then. Amounts are minor units: a yen has none, a dinar a thousand.
const monthly = `
with movements as (select date_trunc('month', to_timestamp(occurred_at) at time zone 'UTC') as month, currency,
    amount / case currency when 'jpy' then 1 when 'kwd' then 1000 else 100 end as amount from mrr_movements),
  months as (select unnest(generate_series(min(month), max(month), interval 1 month)) as month from movements)
select strftime(months.month, '%Y-%m') as month, currency, sum(amount) as mrr
from months join movements on movements.month <= months.month group by all order by all`;

const began = performance.now();
const isReal = process.env.STRIPE_API_KEY !== undefined;
const sandbox = isReal ? undefined : await startSandbox();
try {
  if (sandbox !== undefined)
    await run('buda produce stripe --from dump.ndjson --app billing | buda transform mrr | buda put-stream mrr_movements');
  await run('buda produce stripe --app billing --backfill -e | buda transform mrr | buda put-stream mrr_movements');
  await run('buda get-stream mrr_movements --app warehouse -e | buda put-table mrr_movements');
  await run(`buda query "${monthly}" | buda chart --x month --y mrr --series currency --title MRR --svg mrr.svg`);
} finally {
  sandbox?.child.kill('SIGTERM');
}
const seconds = ((performance.now() - began) / 1000).toFixed(1);
console.log(`
done in ${seconds} s; run it again: it adds nothing twice

  the stream     ${here('home/streams/mrr_movements')}   BUDA_HOME=${here('home')} buda get-stream mrr_movements -e
  the warehouse  ${here('home/warehouse.duckdb')}   BUDA_HOME=${here('home')} buda query 'select * from mrr_movements limit 5'
  the picture    ${here('mrr.svg')}`);

function here(path) {
  return relative(process.cwd(), join(folder, path)) || '.';
}

/** Starts the sandbox, which also writes the archive that its webhooks would have left; the rest is told where it listens. */
async function startSandbox() {
  const words = ['sandbox', 'stripe', '--customers', '300', '--months', '18', '--events', 'dump.ndjson'];
  show(`buda ${words.join(' ')} &`);
  const child = spawn('buda', words, { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] });
  const line = await new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', resolve);
    child.once('exit', (code) => reject(new Error(`the sandbox ended with ${code}`)));
  });
  const { api_base, api_key } = JSON.parse(line);
  env.STRIPE_API_BASE = api_base;
  env.STRIPE_API_KEY = api_key;
  show(`export STRIPE_API_BASE=${api_base} STRIPE_API_KEY=${api_key}`);
  return { child };
}

/** Runs one pipeline in bash, and stops the demo with its exit code where it fails. */
async function run(pipeline) {
  show(pipeline);
  const child = spawn('bash', ['-o', 'pipefail', '-c', pipeline], { cwd: folder, env, stdio: ['ignore', 'inherit', 'inherit'] });
  const code = await new Promise((resolve) => child.once('exit', resolve));
  if (code !== 0) {
    sandbox?.child.kill('SIGTERM');
    process.exit(code ?? 1);
  }
}

function show(command) {
  console.log(`\n$ ${command}`);
}
