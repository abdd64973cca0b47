// Puts lines of stdin into a stream of Kinesis, 500 a request and four requests at a time: by the SDK alone, by the SDK and the aggregator in
// the folder $PEERS, or bare: node bench/programs/put-kinesis.mjs sdk|agg|bare|firehose, the last by the SDK into Firehose. `bare` signs and sends one body again and again: no less can be done.
import { createHash, createHmac } from 'node:crypto';
import { Agent, request } from 'node:http';
import { createRequire } from 'node:module';

const [way = 'sdk'] = process.argv.slice(2);
const stream = 'bench';
const most = 500;
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';

async function* linesOf(input) {
  let rest = Buffer.alloc(0);
  for await (const chunk of input) {
    const block = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let start = 0;
    for (let end = block.indexOf(10); end >= 0; end = block.indexOf(10, start)) {
      yield block.subarray(start, end + 1);
      start = end + 1;
    }
    rest = block.subarray(start);
  }
}

const underWay = new Set();
async function send(promise) {
  underWay.add(promise);
  promise.then(() => underWay.delete(promise));
  if (underWay.size >= 4) await Promise.race(underWay);
}

/** Lines as entries of requests of 500, each sent by `put`. */
async function inRequests(lines, entryOf, put) {
  let records = [];
  for await (const line of lines) {
    records.push(entryOf(line, JSON.parse(line)));
    if (records.length === most) {
      await send(put(records));
      records = [];
    }
  }
  if (records.length > 0) await send(put(records));
  await Promise.all(underWay);
}

async function bySdk(lines) {
  const { KinesisClient, PutRecordsCommand } = await import('@aws-sdk/client-kinesis');
  const { NodeHttpHandler } = await import('@smithy/node-http-handler');
  const client = new KinesisClient({ requestHandler: new NodeHttpHandler() });
  const put = (records) => client.send(new PutRecordsCommand({ StreamName: stream, Records: records }));
  await inRequests(lines, (line, { id }) => ({ Data: line, PartitionKey: id }), put);
  client.destroy();
}

async function intoFirehose(lines) {
  const { FirehoseClient, PutRecordBatchCommand } = await import('@aws-sdk/client-firehose');
  const { NodeHttpHandler } = await import('@smithy/node-http-handler');
  const client = new FirehoseClient({ requestHandler: new NodeHttpHandler() });
  const put = (records) => client.send(new PutRecordBatchCommand({ DeliveryStreamName: stream, Records: records }));
  await inRequests(lines, (line) => ({ Data: line }), put);
  client.destroy();
}

/** A thousand records to an aggregate, four aggregates to a request. It does not look after shards. */
async function byAggregator(lines) {
  const { RecordAggregator } = createRequire(`${process.env.PEERS}/`)('aws-kinesis-agg');
  const { KinesisClient, PutRecordsCommand } = await import('@aws-sdk/client-kinesis');
  const { NodeHttpHandler } = await import('@smithy/node-http-handler');
  const client = new KinesisClient({ requestHandler: new NodeHttpHandler() });
  let full = [];
  const put = () => {
    const Records = full.map(({ data, partitionKey }) => ({ Data: data, PartitionKey: partitionKey }));
    full = [];
    return client.send(new PutRecordsCommand({ StreamName: stream, Records }));
  };
  const aggregator = new RecordAggregator();
  for await (const line of lines) {
    aggregator.addUserRecord({ data: line, partitionKey: JSON.parse(line).id });
    if (aggregator.length() === 1000) full.push(aggregator.build());
    if (full.length === 4) await send(put());
  }
  if (aggregator.length() > 0) full.push(aggregator.build());
  if (full.length > 0) await send(put());
  await Promise.all(underWay);
  client.destroy();
}

/** SigV4 by hand, over a body that is ready. */
async function bare(lines) {
  const { hostname, port, host } = new URL(process.env.AWS_ENDPOINT_URL);
  const agent = new Agent({ keepAlive: true });
  const sha = (text) => createHash('sha256').update(text).digest('hex');
  const mac = (key, text) => createHmac('sha256', key).update(text).digest();
  const put = (body) => {
    const date = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
    const scope = `${date.slice(0, 8)}/us-east-1/kinesis/aws4_request`;
    const headers = {
      'content-type': 'application/x-amz-json-1.1',
      host,
      'x-amz-date': date,
      'x-amz-target': 'Kinesis_20131202.PutRecords',
    };
    const names = Object.keys(headers).join(';');
    const fields = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`);
    const text = `AWS4-HMAC-SHA256\n${date}\n${scope}\n${sha(`POST\n/\n\n${fields.join('')}\n${names}\n${sha(body)}`)}`;
    const key = scope.split('/').reduce(mac, `AWS4${process.env.AWS_SECRET_ACCESS_KEY}`);
    const signature = mac(key, text).toString('hex');
    headers.authorization = `AWS4-HMAC-SHA256 Credential=${process.env.AWS_ACCESS_KEY_ID}/${scope}, SignedHeaders=${names}, Signature=${signature}`;
    headers['content-length'] = body.length;
    return new Promise((done, fail) => {
      const sent = request({ hostname, port, agent, method: 'POST', headers }, (answer) => answer.resume().on('end', done));
      sent.on('error', fail).end(body);
    });
  };
  let body;
  let records = [];
  for await (const line of lines) {
    if (body === undefined) records.push({ Data: line.toString('base64'), PartitionKey: JSON.parse(line).id });
    else records.push(line);
    if (records.length === most) {
      body ??= Buffer.from(JSON.stringify({ StreamName: stream, Records: records }));
      records = [];
      await send(put(body));
    }
  }
  await Promise.all(underWay);
  agent.destroy();
}

await { sdk: bySdk, agg: byAggregator, bare, firehose: intoFirehose }[way](linesOf(process.stdin));
