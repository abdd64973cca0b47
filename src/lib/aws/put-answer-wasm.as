// Looks at the answers to PutRecords and PutRecordBatch, in AssemblyScript: `npm run generate` makes put-answer-wasm.ts of it. put-answer.ts calls it.

/** What lies behind this is free. */
export const heap: usize = __heap_base;

/**
 * How many sequence numbers there are from `start` up to `end`: `Seq`, and sixteen bytes on, behind the name and a colon, a quote and a digit. -1 where
 * there is an `Err`, as in "ErrorCode", or an object without one, beside that round all. 48 bytes behind it are 0.
 */
export function sequences(start: usize, end: usize): i32 {
  return taken(start, end, false);
}

/** The same for Firehose: how many record IDs, `Rec`, and eight bytes on `":"`, which another quote does not follow. */
export function recordIds(start: usize, end: usize): i32 {
  return taken(start, end, true);
}

// @ts-ignore: decorator
@inline
function taken(start: usize, end: usize, isId: bool): i32 {
  let count = 0;
  let objects = 0;
  let errors = i32x4.splat(0);
  for (let at = start; at < end; at += 16) {
    const first = v128.load(at);
    const second = v128.load(at, 1);
    const third = v128.load(at, 2);
    const begins = isId ? letters(first, second, third, 0x52, 0x65, 0x63) : letters(first, second, third, 0x53, 0x65, 0x71);
    let says: v128;
    if (isId) {
      const behind = letters(v128.load(at, 8), v128.load(at, 9), v128.load(at, 10), 0x22, 0x3a, 0x22);
      says = v128.andnot(behind, i8x16.eq(v128.load(at, 11), i8x16.splat(0x22)));
    } else {
      const isDigit = i8x16.lt_u(i8x16.sub(v128.load(at, 17), i8x16.splat(0x30)), i8x16.splat(10));
      says = v128.and(i8x16.eq(v128.load(at, 16), i8x16.splat(0x22)), isDigit);
    }
    count += popcnt(i8x16.bitmask(v128.and(begins, says)));
    objects += popcnt(i8x16.bitmask(i8x16.eq(first, i8x16.splat(0x7b))));
    errors = v128.or(errors, letters(first, second, third, 0x45, 0x72, 0x72));
  }
  return v128.any_true(errors) || objects != count + 1 ? -1 : count;
}

/** Where these three letters begin. */
// @ts-ignore: decorator
@inline
function letters(first: v128, second: v128, third: v128, a: u8, b: u8, c: u8): v128 {
  const behind = v128.and(i8x16.eq(second, i8x16.splat(b)), i8x16.eq(third, i8x16.splat(c)));
  return v128.and(i8x16.eq(first, i8x16.splat(a)), behind);
}
