// Where a round's records come from. Each source knows its ids, and which of them a state document says are committed.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { startKinesisProxy } from './kinesis-proxy.mjs';
import { buda, kinesisEnv, kinesisReader, makeKinesisStream, putIntoKinesis } from './world.mjs';

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

/** The records of a source that has one order: so many as the state says were delivered. */
function firstDelivered(ids) {
  return ({ sources }) =>
    ids.slice(
      0,
      Object.values(sources).reduce((sum, { counters }) => sum + counters.delivered, 0),
    );
}

function checkpointsIn({ sources }) {
  return Object.assign({}, ...Object.values(sources).map(({ checkpoints }) => checkpoints));
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
    committed: firstDelivered(records.map(({ id }) => id)),
  };
}

/** A stream of the local log with three shards, written before. */
export async function local({ folder, env, random }) {
  const records = makeEvents(random, 300 + Math.floor(random() * 3000));
  writeFileSync(join(folder, 'seed.ndjson'), text(records));
  await buda('put-stream local:in --shards 3 <seed.ndjson', { folder, env });
  const shards = join(env.BUDA_HOME, 'streams', 'in');
  const placed = readdirSync(shards)
    .filter((name) => name.startsWith('shardId-'))
    .flatMap((shard) => {
      let at = 0;
      const [segment] = readdirSync(join(shards, shard)).filter((name) => name.endsWith('.ndjson'));
      return readFileSync(join(shards, shard, segment), 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => {
          const place = { shard, at, id: JSON.parse(line).id };
          at += Buffer.byteLength(line) + 1;
          return place;
        });
    });
  return {
    name: 'get-stream local',
    step: `buda get-stream local:in --app x -e --epoch ${50 + Math.floor(random() * 400)}`,
    ids: records.map(({ id }) => id),
    // A checkpoint is four digits of shard and the byte at which the next record begins.
    committed: (document) => {
      const to = checkpointsIn(document);
      return placed.filter(({ shard, at }) => at < Number(to[shard]?.slice(4) ?? 0)).map(({ id }) => id);
    },
  };
}

/** A stream of Kinesis (kinesalite) with two shards, written before, behind a proxy that fails and breaks. */
export async function kinesis({ env, random, round, kinesisPort }) {
  const records = makeEvents(random, 200 + Math.floor(random() * 800));
  const stream = `in-${round}`;
  await makeKinesisStream(stream, 2);
  await putIntoKinesis(stream, records);
  const placed = (await kinesisReader(stream)()).map(({ data, ...place }) => ({ ...place, id: JSON.parse(data).id }));
  const proxy = await startKinesisProxy(kinesisPort, random, random() * 0.2);
  return {
    name: 'get-stream kinesis',
    step: `buda get-stream kinesis:${stream} --app x -e --epoch ${50 + Math.floor(random() * 200)}`,
    ids: records.map(({ id }) => id),
    env: { ...env, ...kinesisEnv(proxy.port) },
    committed: (document) => {
      const to = checkpointsIn(document);
      return placed
        .filter(({ shard, sequenceNumber }) => /^\d+$/.test(to[shard] ?? '') && BigInt(sequenceNumber) <= BigInt(to[shard]))
        .map(({ id }) => id);
    },
    close: () => proxy.close(),
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
  const ids = whole
    .split('\n')
    .filter((one) => one !== '')
    .map((one) => JSON.parse(one).id);
  return {
    name: 'produce stripe',
    step: 'buda produce stripe --app x -e --rate 200',
    ids,
    committed: firstDelivered(ids),
    env: sourceEnv,
    close: () => child.kill('SIGKILL'),
  };
}
