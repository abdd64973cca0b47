// A Kinesis, and a Firehose, that takes everything at once and keeps nothing, for the measurements: node bench/programs/kinesis.mjs PORT-FILE [CERT KEY]
// With a certificate it speaks TLS. It has four shards, and ends when the file is gone that it wrote its port into.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';

const shards = 4;
const sequence = '49590338271490256608559692538361571095921575989136588898';
const [portFile, cert, key] = process.argv.slice(2);

const range = 2n ** 128n / BigInt(shards);
const listed = Array.from({ length: shards }, (_, i) => ({
  ShardId: `shardId-00000000000${i}`,
  HashKeyRange: { StartingHashKey: String(range * BigInt(i)), EndingHashKey: String(range * BigInt(i + 1) - 1n) },
  SequenceNumberRange: { StartingSequenceNumber: sequence },
}));

const answerWith = (places) =>
  JSON.stringify({
    FailedRecordCount: 0,
    Records: places.map((shard) => ({ SequenceNumber: sequence, ShardId: `shardId-00000000000${shard}` })),
  });
/** Where many records are put nobody asks for their shards: one answer for each number of them. */
const many = 100;
const answers = new Map();

function answerTo(body) {
  const count = countOf(body);
  if (count < many) {
    const hashes = JSON.parse(body).Records.map(({ PartitionKey: key }) => createHash('md5').update(key).digest()[0]);
    return answerWith(hashes.map((first) => Math.floor((first * shards) / 256)));
  }
  if (!answers.has(count)) answers.set(count, answerWith(Array.from({ length: count }, (_, i) => i % shards)));
  return answers.get(count);
}

/** How many records a body has: told by a name that stands in no data, which is in base64. */
function countOf(body, name = 'PartitionKey') {
  let count = 0;
  for (let at = body.indexOf(name); at >= 0; at = body.indexOf(name, at + name.length)) count++;
  return count;
}

/** What Firehose says, by the number of records. */
const firehoseAnswers = new Map();
function firehoseAnswerTo(body) {
  const count = countOf(body, '"Data"');
  const responses = () => Array.from({ length: count }, () => ({ RecordId: `${sequence}${sequence}`.repeat(2) }));
  if (!firehoseAnswers.has(count))
    firehoseAnswers.set(count, JSON.stringify({ FailedPutCount: 0, Encrypted: false, RequestResponses: responses() }));
  return firehoseAnswers.get(count);
}

function take(request, response) {
  const pieces = [];
  request.on('data', (piece) => pieces.push(piece));
  request.on('end', () => {
    const action = request.headers['x-amz-target'].split('.')[1];
    const body = Buffer.concat(pieces);
    const answer =
      action === 'PutRecords'
        ? answerTo(body)
        : action === 'PutRecordBatch'
          ? firehoseAnswerTo(body)
          : JSON.stringify({ Shards: listed });
    response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1', 'content-length': answer.length });
    response.end(answer);
  });
}

const server =
  cert === undefined ? http.createServer(take) : https.createServer({ cert: readFileSync(cert), key: readFileSync(key) }, take);
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  writeFileSync(`${portFile}.new`, String(server.address().port));
  renameSync(`${portFile}.new`, portFile);
});
setInterval(() => existsSync(portFile) || process.exit(), 500).unref();
