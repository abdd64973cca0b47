// Writes the records of a body of PutRecords or PutRecordBatch, in AssemblyScript: `npm run generate` makes put-body-wasm.ts of it. It works in a memory of its own, into
// which records are copied; put-body.ts calls it. 16 bytes behind what is read may be read too, and 16 behind what is written may be written.

/** What lies behind this is free. */
export const heap: usize = __heap_base;

/** From 16 - n on: n bytes that are kept, and others that are not. */
const kept = memory.data<u8>([
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
]);

/**
 * Writes so many records to `out`, with a comma behind each; gives where they end. For each there stands at `places` where its data begins and ends,
 * and its key, as the inside of a string of JSON; without `hasKeys` none is written.
 */
export function write(places: usize, count: i32, hasKeys: bool, out: usize): usize {
  let at = out;
  let place = places;
  for (let i = 0; i < count; i++) {
    store<u64>(at, 0x3a2261746144227b); // {"Data":
    store<u8>(at, 0x22, 8); // "
    at = base64(load<u32>(place), load<u32>(place, 4), at + 9);
    if (hasKeys) {
      store<u64>(at, 0x6974726150222c22); // ","Parti
      store<u64>(at, 0x2279654b6e6f6974, 8); // tionKey"
      store<u16>(at, 0x223a, 16); // :"
      at = copy(load<u32>(place, 8), load<u32>(place, 12), at + 18);
    }
    store<u32>(at, 0x2c7d22); // "},
    at += 3;
    place += 16;
  }
  return at;
}

// @ts-ignore: decorator
@inline
function copy(start: usize, end: usize, out: usize): usize {
  let at = out;
  for (let from = start; from < end; from += 16, at += 16) v128.store(at, v128.load(from));
  return out + (end - start);
}

/** Writes the bytes in base64, twelve at a time; gives where that ends. */
// @ts-ignore: decorator
@inline
function base64(start: usize, end: usize, out: usize): usize {
  let at = out;
  let from = start;
  for (; from + 12 <= end; from += 12, at += 16) v128.store(at, letters(v128.load(from)));
  const rest = end - from;
  if (rest == 0) return at;
  v128.store(at, letters(v128.and(v128.load(from), v128.load(kept + 16 - rest))));
  at += ((rest + 2) / 3) << 2;
  const over = rest % 3;
  if (over != 0) store<u8>(at - 1, 0x3d);
  if (over == 1) store<u8>(at - 2, 0x3d);
  return at;
}

/** The sixteen letters of the first twelve bytes. Source: RFC 4648, 4. */
// @ts-ignore: decorator
@inline
function letters(bytes: v128): v128 {
  // By three bytes a number of 24 bits, in each lane; then the six bits of each letter in a byte of their own.
  const lanes = v128.shuffle<u8>(bytes, i8x16.splat(0), 2, 1, 0, 16, 5, 4, 3, 16, 8, 7, 6, 16, 11, 10, 9, 16);
  const sixes = v128.or(
    v128.or(i32x4.shr_u(lanes, 18), v128.and(i32x4.shr_u(lanes, 4), i32x4.splat(0x3f00))),
    v128.or(v128.and(i32x4.shl(lanes, 10), i32x4.splat(0x3f0000)), v128.and(i32x4.shl(lanes, 24), i32x4.splat(0x3f000000))),
  );
  // A-Z: 13, a-z: 0, 0-9: 1 to 10, +: 11, /: 12. By these, what is to be added.
  const kinds = v128.or(i8x16.sub_sat_u(sixes, i8x16.splat(51)), v128.and(i8x16.lt_u(sixes, i8x16.splat(26)), i8x16.splat(13)));
  return i8x16.add(sixes, i8x16.swizzle(i8x16(71, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -19, -16, 65, 0, 0), kinds));
}
