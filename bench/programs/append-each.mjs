// The plain loop: what comes is appended to a file and synced at once; then the marks in it go on.
import { fdatasyncSync, openSync, writeSync } from 'node:fs';

const file = openSync(process.argv[2], 'a');
for await (const block of process.stdin) {
  const lines = block.toString('latin1').split('\n');
  const records = lines.filter((line) => line[0] === '{').map((line) => `${line}\n`);
  if (records.length > 0) {
    writeSync(file, records.join(''), null, 'latin1');
    fdatasyncSync(file);
  }
  const marks = lines.filter((line) => line[0] === '[').map((line) => `${line}\n`);
  process.stdout.write(marks.join(''));
}
