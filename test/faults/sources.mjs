// Where a round's records come from. Each source knows its ids, and which of them a state document says are committed.
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { buda, kinesisEnv, makeKinesisStream, putIntoKinesis } from './world.mjs';

const created = 1_790_000_000;

function makeEvents(random, count) {
  return Array.from({ length: count }, (_, i) => {
    const padding = 'é'.repeat(Math.floor(random() * 200));
    return {
      id: `evt_${String(i).padStart(6, '0')}`,
      object: 'event',
      type: 'customer.updated',
      created: created + Math.floor(i / 7),
      api_version: '2026-10-28.endive',
      livemode: false,
      data: { object: { id: `cus_${i % 97}`, object: 'customer', big: 12345678901234567890n.toString(), note: padding } },
    };
  });
}

const text = (records) => records.map((record) => `${JSON.stringify(record)}\n`).join('');

/** A dump in a file, cut into epochs by its bytes. */
export async function file({ folder, random }) {
  const records = makeEvents(random, 300 + Math.floor(random() * 3000));
  writeFileSync(join(folder, 'dump.ndjson'), text(records));
  return {
    name: 'produce stripe --from',
    step: `buda produce stripe --from dump.ndjson --app x --epoch ${50 + Math.floor(random() * 400)}`,
    ids: records.map(({ id }) => id),
    isOrdered: true,
  };
}

/** A stream of the local log with three shards, written before. */
export async function local({ folder, env, random }) {
  const records = makeEvents(random, 300 + Math.floor(random() * 3000));
  writeFileSync(join(folder, 'seed.ndjson'), text(records));
  await buda('put-stream local:in --shards 3 <seed.ndjson', { folder, env });
  return {
    name: 'get-stream local',
    step: `buda get-stream local:in --app x -e --epoch ${50 + Math.floor(random() * 400)}`,
    ids: records.map(({ id }) => id),
    isOrdered: false,
  };
}

/** A stream of Kinesis (kinesalite) with two shards, written before. */
export async function kinesis({ folder, env, random, round }) {
  const records = makeEvents(random, 200 + Math.floor(random() * 800));
  const stream = `in-${round}`;
  await makeKinesisStream(stream, 2);
  await putIntoKinesis(stream, records);
  return {
    name: 'get-stream kinesis',
    step: `buda get-stream kinesis:${stream} --app x -e --epoch ${50 + Math.floor(random() * 200)}`,
    ids: records.map(({ id }) => id),
    env: { ...env, ...kinesisEnv() },
    folder,
    isOrdered: false,
  };
}

/** A Stripe account whose API throttles, fails, resets and dawdles. */
export async function stripe({ folder, env, random, seed }) {
  const rate = (random() * 0.08).toFixed(3);
  const child = spawn(
    'buda',
    [
      'sandbox',
      'stripe',
      '--customers',
      '60',
      '--months',
      '3',
      '--seed',
      String(seed % 1000),
      '--fail',
      rate,
      '--rate-limit',
      '200',
    ],
    { cwd: folder, env, stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const line = await new Promise((resolve) => createInterface({ input: child.stdout }).once('line', resolve));
  const { api_base, api_key } = JSON.parse(line);
  const sourceEnv = { ...env, STRIPE_API_BASE: api_base, STRIPE_API_KEY: api_key };
  const whole = await buda('produce stripe -e --rate 200', { folder, env: sourceEnv });
  return {
    name: 'produce stripe',
    step: 'buda produce stripe --app x -e --rate 200',
    ids: whole
      .split('\n')
      .filter((one) => one !== '')
      .map((one) => JSON.parse(one).id),
    env: sourceEnv,
    isOrdered: true,
    close: () => child.kill('SIGKILL'),
  };
}
