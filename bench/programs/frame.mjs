// The bare loop: whole lines out of chunks, counted, written on as they came.
let carry = Buffer.alloc(0);
let count = 0;
for await (const chunk of process.stdin) {
  const end = chunk.lastIndexOf(10) + 1;
  if (end === 0) {
    carry = Buffer.concat([carry, chunk]);
    continue;
  }
  const block = carry.length === 0 ? chunk.subarray(0, end) : Buffer.concat([carry, chunk.subarray(0, end)]);
  carry = chunk.subarray(end);
  for (let start = 0; start < block.length; count++) start = block.indexOf(10, start) + 1;
  if (!process.stdout.write(block)) await new Promise((resolve) => process.stdout.once('drain', resolve));
}
process.stderr.write(`${count} lines\n`);
