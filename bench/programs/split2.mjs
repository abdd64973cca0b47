// split2 as its README shows it: a stream of lines, here parsed only where a change is asked for.
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import split2 from 'split2';

const isChange = process.argv[2] === 'change';
const write = new Transform({
  writableObjectMode: true,
  transform: (line, _, done) => done(null, isChange ? `${JSON.stringify({ ...line, is_seen: true })}\n` : `${line}\n`),
});
await pipeline(process.stdin, isChange ? split2(JSON.parse) : split2(), write, process.stdout);
