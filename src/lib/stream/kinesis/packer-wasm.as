// Packs records as those of the Kinesis Producer Library, in AssemblyScript: `npm run generate` makes packer-wasm.ts of it. It works in a memory of its
// own, into which records are copied; packer.ts calls it. 16 bytes behind what is read may be read too, and 16 behind what is written may be written.
// Source: github.com/awslabs/amazon-kinesis-producer, aggregation-format.md.

/** More than twice as many as there are records in what is packed at once. */
const slots = 2048;
/** By the hash of a key: where it is written, and which one it is. */
const written = memory.data(4 * slots);
const numbers = memory.data(4 * slots);

/** How many keys there are, those of calls before counted, and where the fields partition_key_table and records end that are written. */
export let count: u32 = 0;
export let keysEnd: usize = 0;
export let recordsEnd: usize = 0;
/** What lies behind this is free. */
export const heap: usize = __heap_base;

/**
 * Writes a chain of records, the keys to the one place and the records to the other; `before` keys have been written by others. For each record
 * there stands at `places`, in the order in which they came, where its data begins and ends, and its key, and which record of the chain is next (-1: none).
 */
export function pack(places: usize, first: i32, before: u32, keys: usize, records: usize): void {
  memory.fill(written, 0, 4 * slots);
  count = before;
  keysEnd = keys;
  recordsEnd = records;
  for (let i = first; i >= 0; ) {
    const place = places + 20 * i;
    const start: usize = load<u32>(place);
    const end: usize = load<u32>(place, 4);
    const number = numberOf(load<u32>(place, 8), load<u32>(place, 12));
    // Record: partition_key_index = 1, data = 3.
    const length = u32(end - start);
    let at = recordsEnd;
    store<u8>(at, 0x1a);
    at = varint(at + 1, 2 + sizeOf(number) + sizeOf(length) + length);
    store<u8>(at, 0x08);
    at = varint(at + 1, number);
    store<u8>(at, 0x1a);
    recordsEnd = copy(start, end, varint(at + 1, length));
    i = load<i32>(place, 16);
  }
}
/** The number of a key in the table; it is written there if it is new. */
// @ts-ignore: decorator
@inline
function numberOf(start: usize, end: usize): u32 {
  const key = keysEnd;
  store<u8>(key, 0x0a);
  const behind = copy(start, end, varint(key + 1, u32(end - start)));
  let hash: u32 = 0;
  for (let at = start; at < end; at++) hash = (hash ^ load<u8>(at)) * 0x5bd1e995;
  let slot = hash ^ (hash >> 15);
  for (;; slot++) {
    slot &= slots - 1;
    const place: usize = load<u32>(written + 4 * slot);
    if (place == 0) break;
    if (isSame(place, key, behind)) return load<u32>(numbers + 4 * slot);
  }
  store<u32>(written + 4 * slot, u32(key));
  store<u32>(numbers + 4 * slot, count);
  keysEnd = behind;
  return count++;
}

/** Whether what stands from `start` up to `end` stands at `place` too. */
// @ts-ignore: decorator
@inline
function isSame(place: usize, start: usize, end: usize): bool {
  let other = place;
  for (let at = start; at < end; at++, other++) if (load<u8>(at) != load<u8>(other)) return false;
  return true;
}

// @ts-ignore: decorator
@inline
function copy(start: usize, end: usize, to: usize): usize {
  let at = to;
  for (let from = start; from < end; from += 16, at += 16) v128.store(at, v128.load(from));
  return to + (end - start);
}

// @ts-ignore: decorator
@inline
function varint(to: usize, value: u32): usize {
  let at = to;
  let rest = value;
  for (; rest >= 0x80; rest >>>= 7) store<u8>(at++, (rest & 0x7f) | 0x80);
  store<u8>(at, rest);
  return at + 1;
}

// @ts-ignore: decorator
@inline
function sizeOf(value: u32): u32 {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : 4;
}
