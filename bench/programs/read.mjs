// The plain loop: a file read by blocks of 128 KiB and written to stdout.
import { once } from 'node:events';
import { openSync, readSync } from 'node:fs';

const file = openSync(process.argv[2], 'r');
for (;;) {
  const block = Buffer.allocUnsafeSlow(131_072);
  const length = readSync(file, block);
  if (length === 0) break;
  if (!process.stdout.write(block.subarray(0, length))) await once(process.stdout, 'drain');
}
