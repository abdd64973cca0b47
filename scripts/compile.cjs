// Runs a command, `node compile.cjs WORDS…`, and keeps what V8 compiled for it beside each script in dist/: see bin/buda. What is put into
// Kinesis, Firehose or S3 goes to a service that takes everything, in this process.
const { renameSync, writeFileSync } = require('node:fs');
const { createServer } = require('node:http');
const { join } = require('node:path');

const words = process.argv.slice(2);

function start() {
  process.argv = [process.argv[0], join(__dirname, '..', 'bin', 'buda'), ...words];
  const { load, scripts } = require('../bin/buda');
  // The first command of all makes caches for everything: what no command has compiled is there at least as it is when loaded.
  if (words[1] === 'flatten') for (const name of require('../dist/main.json').scripts) load(name);
  process.on('exit', () => {
    for (const [filename, script] of scripts) {
      writeFileSync(`${filename}.cache.${process.pid}`, script.createCachedData());
      renameSync(`${filename}.cache.${process.pid}`, `${filename}.cache`);
    }
  });
}

if (words[0].startsWith('put-')) {
  const answer =
    words[0] === 'put-firehose'
      ? '{"FailedPutCount":0,"RequestResponses":[{"RecordId":"1"}]}'
      : '{"FailedRecordCount":0,"Records":[{"SequenceNumber":"1","ShardId":"shardId-000000000000"}]}';
  const server = createServer((request, response) => {
    // What S3 answers to a PUT stands in the head.
    const etag = words[0] === 'put-s3' ? { etag: '"1"' } : {};
    request.resume().on('end', () => response.writeHead(200, etag).end(words[0] === 'put-s3' ? '' : answer));
  });
  server.listen(0, '127.0.0.1', () => {
    process.env.AWS_ENDPOINT_URL = `http://127.0.0.1:${server.address().port}`;
    start();
  });
  server.unref();
} else start();
