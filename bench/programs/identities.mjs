// node bench/programs/identities.mjs COUNT: so many records of 60 bytes, the same each time; one in ten is one of the last 100,000 again.
import { writeSync } from 'node:fs';

const count = Number(process.argv[2]);
const near = 100_000;
const lineBytes = 60;
const block = Buffer.alloc(2000 * lineBytes);

let state = 20261124;
/** Looks like chance from 0 up to 2^32 (mulberry32). */
function chance() {
  state = (state + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state ^ (state >>> 15), state | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return (mixed ^ (mixed >>> 14)) >>> 0;
}

const template = Buffer.from('{"id":"e_000000000000","type":"page_viewed","n":1,"v":3012}\n');
for (let at = 0; at < block.length; at += lineBytes) template.copy(block, at);
let fresh = 0;
for (let made = 0; made < count; ) {
  const lines = Math.min(2000, count - made);
  for (let line = 0; line < lines; line++) {
    const isRepeat = chance() < 429_496_730 && fresh > 0;
    let number = isRepeat ? Math.max(0, fresh - 1 - (chance() % near)) : fresh++;
    // Twelve digits.
    for (let at = line * lineBytes + 20; at > line * lineBytes + 8; at--) {
      block[at] = 48 + (number % 10);
      number = Math.floor(number / 10);
    }
  }
  made += lines;
  const bytes = block.subarray(0, lines * lineBytes);
  for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at);
}
