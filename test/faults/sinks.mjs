// Where a round's records go, and how they are counted there.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { startFirehose } from './firehose.mjs';
import { startKinesisProxy } from './kinesis-proxy.mjs';
import { startS3 } from './s3.mjs';
import { buda, kinesisEnv, kinesisReader, makeKinesisStream, unpack } from './world.mjs';

const idsOf = (text) =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line).id);

/** The ids of all that the local log has acknowledged: what its index covers, read without buda. */
function acknowledgedIn(stream) {
  if (!existsSync(stream)) return [];
  const indices = readdirSync(stream, { recursive: true }).filter((name) => name.endsWith('.index'));
  return indices.sort().flatMap((name) => {
    const lines = readFileSync(join(stream, name), 'utf8').split('\n').slice(0, -1);
    const last = lines.map((line) => JSON.parse(line)).findLast(({ end }) => end !== undefined);
    if (last === undefined) return [];
    // A segment's name is four digits of the shard, then the byte at which it begins.
    const end = last.end - Number(basename(name, '.index').slice(4));
    return idsOf(
      readFileSync(join(stream, name.replace(/index$/, 'ndjson')))
        .subarray(0, end)
        .toString(),
    );
  });
}

/** A stream of the local log. */
export async function local({ folder, env }) {
  return {
    name: 'put-stream local',
    step: 'buda put-stream local:out --shards 2',
    isOnce: false,
    ids: async () => acknowledgedIn(join(env.BUDA_HOME, 'streams', 'out')),
    deduped: async () => idsOf(await buda('get-stream local:out -e --position beginning --dedupe', { folder, env })),
  };
}

/** A stream of Kinesis behind a proxy that throttles, fails and breaks. */
export async function kinesis({ folder, env, random, round, kinesisPort }) {
  const stream = `out-${round}`;
  await makeKinesisStream(stream, 2);
  const proxy = await startKinesisProxy(kinesisPort, random, random() * 0.3);
  const read = kinesisReader(stream);
  const ids = [];
  return {
    name: 'put-stream kinesis',
    step: `buda put-stream kinesis:${stream}`,
    env: kinesisEnv(proxy.port),
    isOnce: false,
    ids: async () => {
      for (const { data } of await read()) ids.push(...unpack(data).map((record) => JSON.parse(record).id));
      return ids;
    },
    deduped: async () =>
      idsOf(
        await buda(`get-stream kinesis:${stream} -e --position beginning --dedupe`, { folder, env: { ...env, ...kinesisEnv() } }),
      ),
    // A connection that broke after the request was taken doubles its records inside one epoch: the service gives no way to know.
    doublesAlone: true,
    close: () => proxy.close(),
  };
}

/** The same with many records in one. */
export async function aggregated(world) {
  const sink = await kinesis(world);
  return { ...sink, name: 'put-stream kinesis --aggregate', step: `${sink.step} --aggregate` };
}

/** A stream of Firehose, which nobody can read: the service itself tells what it took. */
export async function firehose({ random }) {
  const service = await startFirehose(random, random() * 0.3);
  const { AWS_ENDPOINT_URL_KINESIS, ...env } = kinesisEnv();
  return {
    name: 'put-firehose',
    step: 'buda put-firehose out',
    env: { ...env, AWS_ENDPOINT_URL_FIREHOSE: service.endpoint },
    isOnce: false,
    ids: async () => service.ids,
    doublesAlone: true,
    close: () => service.close(),
  };
}

/** Objects of S3. */
export async function objects({ random }) {
  const service = await startS3(random, random() * 0.3);
  const { AWS_ENDPOINT_URL_KINESIS, ...env } = kinesisEnv();
  return {
    name: 'put-s3',
    step: 'buda put-s3 s3://out/records',
    env: { ...env, AWS_ENDPOINT_URL_S3: service.endpoint },
    isOnce: true,
    ids: async () => idsOf(service.text()),
    close: () => service.close(),
  };
}

/** Files of a folder, several for each epoch. */
export async function files({ env }) {
  const lake = join(env.BUDA_HOME, 'lake');
  return {
    name: 'put-s3 file:',
    step: `buda put-s3 file:${lake} --object-size 8KiB --gzip`,
    isOnce: true,
    ids: async () => {
      const names = existsSync(lake) ? readdirSync(lake).filter((name) => name.endsWith('.ndjson.gz')) : [];
      return names.sort().flatMap((name) => idsOf(gunzipSync(readFileSync(join(lake, name))).toString()));
    },
  };
}

/** A table of the warehouse. */
export async function table({ folder, env }) {
  return {
    name: 'put-table',
    step: 'buda put-table records',
    isOnce: true,
    ids: async () => idsOf(await buda('query "select id from records"', { folder, env })),
  };
}
