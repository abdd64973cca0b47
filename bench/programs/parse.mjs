// The bare loop that parses and writes: a line at a time, one write a chunk.
const change =
  process.argv[2] === 'change'
    ? (record) => {
        record.is_seen = true;
      }
    : () => {};
let carry = '';
process.stdin.setEncoding('utf8');
for await (const chunk of process.stdin) {
  const lines = (carry + chunk).split('\n');
  carry = lines.pop();
  let out = '';
  for (const line of lines) {
    const record = JSON.parse(line);
    change(record);
    out += `${JSON.stringify(record)}\n`;
  }
  if (!process.stdout.write(out)) await new Promise((resolve) => process.stdout.once('drain', resolve));
}
