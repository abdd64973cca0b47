// The plain loop: blocks of stdin appended to a file as they come, synced every 100 ms and at the end. The argument is the file.
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';

const file = openSync(process.argv[2], 'w');
let syncedMs = performance.now();
for await (const block of process.stdin) {
  for (let at = 0; at < block.length; ) at += writeSync(file, block, at);
  if (performance.now() - syncedMs < 100) continue;
  fdatasyncSync(file);
  syncedMs = performance.now();
}
fdatasyncSync(file);
closeSync(file);
