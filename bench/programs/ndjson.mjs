// ndjson as its README shows it: parse and stringify.
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import ndjson from 'ndjson';

const isChange = process.argv[2] === 'change';
const change = new Transform({
  objectMode: true,
  transform: (record, _, done) => done(null, isChange ? { ...record, is_seen: true } : record),
});
await pipeline(process.stdin, ndjson.parse(), change, ndjson.stringify(), process.stdout);
