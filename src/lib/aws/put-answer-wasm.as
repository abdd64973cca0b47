// Looks at the answer to PutRecords, in AssemblyScript: `npm run generate` makes put-answer-wasm.ts of it. put-answer.ts calls it.

/** What lies behind this is free. */
export const heap: usize = __heap_base;

/**
 * How many sequence numbers there are from `start` up to `end`: `Seq`, and sixteen bytes on, behind the name and a colon, a quote and a digit. -1 where
 * there is an `Err`, as in "ErrorCode", or an object without one, beside that round all. 48 bytes behind it are 0.
 */
export function sequences(start: usize, end: usize): i32 {
  let count = 0;
  let objects = 0;
  let errors = i32x4.splat(0);
  for (let at = start; at < end; at += 16) {
    const first = v128.load(at);
    const second = v128.load(at, 1);
    const third = v128.load(at, 2);
    const inSeq = v128.and(i8x16.eq(second, i8x16.splat(0x65)), i8x16.eq(third, i8x16.splat(0x71)));
    const inErr = v128.and(i8x16.eq(second, i8x16.splat(0x72)), i8x16.eq(third, i8x16.splat(0x72)));
    objects += popcnt(i8x16.bitmask(i8x16.eq(first, i8x16.splat(0x7b))));
    const isSeq = v128.and(i8x16.eq(first, i8x16.splat(0x53)), inSeq);
    const hasDigit = i8x16.lt_u(i8x16.sub(v128.load(at, 17), i8x16.splat(0x30)), i8x16.splat(10));
    count += popcnt(i8x16.bitmask(v128.and(isSeq, v128.and(i8x16.eq(v128.load(at, 16), i8x16.splat(0x22)), hasDigit))));
    errors = v128.or(errors, v128.and(i8x16.eq(first, i8x16.splat(0x45)), inErr));
  }
  return v128.any_true(errors) || objects != count + 1 ? -1 : count;
}
