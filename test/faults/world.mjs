// What a round stands on: buda as a command, and a Kinesis of its own.
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CreateStreamCommand,
  DescribeStreamSummaryCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand,
  PutRecordsCommand,
} from '@aws-sdk/client-kinesis';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import kinesalite from 'kinesalite';

// The SDK would warn of Node 20 at each start.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';

export const bin = resolve(import.meta.dirname, '..', '..', 'bin');

/** Runs one buda command line in bash and gives its stdout; a failure is thrown with what it said. */
export async function buda(line, { folder, env }) {
  const child = spawn('bash', ['-o', 'pipefail', '-c', `buda ${line}`], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const out = [];
  const said = [];
  child.stdout.on('data', (chunk) => out.push(chunk));
  child.stderr.on('data', (chunk) => said.push(chunk));
  const code = await new Promise((done) => child.once('close', done));
  if (code !== 0) throw new Error(`buda ${line}: exit ${code}\n${Buffer.concat(said)}`);
  return Buffer.concat(out).toString();
}

let server;
let client;

/** Starts the emulator that the rounds share. */
export async function startKinesis() {
  server = kinesalite({ createStreamMs: 0, deleteStreamMs: 0, shardLimit: 1_000_000 });
  await new Promise((done, fail) => server.listen(0, '127.0.0.1', (error) => (error ? fail(error) : done())));
  client = new KinesisClient({ ...kinesisConfig(), requestHandler: new NodeHttpHandler() });
}

export async function stopKinesis() {
  client.destroy();
  await new Promise((done) => server.close(done));
}

function kinesisConfig() {
  return {
    region: 'us-east-1',
    endpoint: `http://127.0.0.1:${server.address().port}`,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  };
}

/** The environment that points the SDK at the emulator. */
export function kinesisEnv(port = server.address().port) {
  return {
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_ENDPOINT_URL_KINESIS: `http://127.0.0.1:${port}`,
  };
}

export async function makeKinesisStream(name, shards) {
  await client.send(new CreateStreamCommand({ StreamName: name, ShardCount: shards }));
  for (;;) {
    const { StreamDescriptionSummary } = await client.send(new DescribeStreamSummaryCommand({ StreamName: name }));
    if (StreamDescriptionSummary.StreamStatus === 'ACTIVE') return;
    await sleep(5);
  }
}

export async function putIntoKinesis(name, records) {
  for (let i = 0; i < records.length; i += 500) {
    const Records = records
      .slice(i, i + 500)
      .map((record) => ({ Data: Buffer.from(JSON.stringify(record)), PartitionKey: record.id }));
    const { FailedRecordCount } = await client.send(new PutRecordsCommand({ StreamName: name, Records }));
    if (FailedRecordCount > 0) throw new Error(`${FailedRecordCount} records were not taken`);
  }
}

/** Reads a stream without buda: each time that the reader is called it gives the records that came since, with shard and sequence number. */
export function kinesisReader(name) {
  let iterators;
  const begin = async ({ ShardId }) => {
    const from = { StreamName: name, ShardId, ShardIteratorType: 'TRIM_HORIZON' };
    return [ShardId, (await client.send(new GetShardIteratorCommand(from))).ShardIterator];
  };
  return async () => {
    const found = [];
    iterators ??= new Map(await Promise.all((await client.send(new ListShardsCommand({ StreamName: name }))).Shards.map(begin)));
    for (const shard of iterators.keys()) {
      for (;;) {
        const { Records, NextShardIterator } = await client.send(new GetRecordsCommand({ ShardIterator: iterators.get(shard) }));
        for (const { Data, SequenceNumber } of Records)
          found.push({ shard, sequenceNumber: SequenceNumber, data: Buffer.from(Data) });
        iterators.set(shard, NextShardIterator);
        if (Records.length === 0) break;
      }
    }
    return found;
  };
}

/** The user records in a record of the Kinesis Producer Library: fields 3 of a protobuf message, between a magic number and an MD5 sum. */
export function unpack(data) {
  if (data.readUInt32BE(0) !== 0xf3899ac2) return [data];
  return fields(data.subarray(4, -16), 3).map((record) => fields(record, 3)[0]);
}

/** The values, of those that have a length, that a protobuf message has under a number. */
function fields(message, number) {
  const found = [];
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = message[at++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const tag = varint();
    const value = varint();
    if (tag % 8 !== 2) continue;
    if (tag >> 3 === number) found.push(message.subarray(at, at + value));
    at += value;
  }
  return found;
}
