// MD5, in AssemblyScript: `npm run generate` makes md5-wasm.ts of it. It works in a memory of its own, into which the bytes are copied; hash-key.ts
// calls it. Source: RFC 1321.

/** Here goes what is hashed, 1024 bytes at most, with 128 bytes behind them. */
export const bytes: usize = memory.data(1024 + 128, 16);
/** Here is what comes of it: four words, the highest first. */
export const hash: usize = memory.data(16, 16);

let a0: u32 = 0;
let b0: u32 = 0;
let c0: u32 = 0;
let d0: u32 = 0;

/** Hashes so many bytes. */
export function md5(length: usize): void {
  a0 = 0x67452301;
  b0 = 0xefcdab89;
  c0 = 0x98badcfe;
  d0 = 0x10325476;
  // Behind them a bit that is set, zeros, and how many bits they are, at the end of a block.
  const blocks = (length + 8) / 64 + 1;
  const behind = bytes + length;
  memory.fill(behind, 0, bytes + blocks * 64 - behind);
  store<u8>(behind, 0x80);
  store<u32>(bytes + blocks * 64 - 8, u32(length) << 3);
  for (let i: usize = 0; i < blocks; i++) mix(bytes + i * 64);
  store<u32>(hash, bswap(a0));
  store<u32>(hash, bswap(b0), 4);
  store<u32>(hash, bswap(c0), 8);
  store<u32>(hash, bswap(d0), 12);
}

function mix(block: usize): void {
  let a = a0;
  let b = b0;
  let c = c0;
  let d = d0;
  a = first(a, b, c, d, load<u32>(block, 0), 7, 0xd76aa478);
  d = first(d, a, b, c, load<u32>(block, 4), 12, 0xe8c7b756);
  c = first(c, d, a, b, load<u32>(block, 8), 17, 0x242070db);
  b = first(b, c, d, a, load<u32>(block, 12), 22, 0xc1bdceee);
  a = first(a, b, c, d, load<u32>(block, 16), 7, 0xf57c0faf);
  d = first(d, a, b, c, load<u32>(block, 20), 12, 0x4787c62a);
  c = first(c, d, a, b, load<u32>(block, 24), 17, 0xa8304613);
  b = first(b, c, d, a, load<u32>(block, 28), 22, 0xfd469501);
  a = first(a, b, c, d, load<u32>(block, 32), 7, 0x698098d8);
  d = first(d, a, b, c, load<u32>(block, 36), 12, 0x8b44f7af);
  c = first(c, d, a, b, load<u32>(block, 40), 17, 0xffff5bb1);
  b = first(b, c, d, a, load<u32>(block, 44), 22, 0x895cd7be);
  a = first(a, b, c, d, load<u32>(block, 48), 7, 0x6b901122);
  d = first(d, a, b, c, load<u32>(block, 52), 12, 0xfd987193);
  c = first(c, d, a, b, load<u32>(block, 56), 17, 0xa679438e);
  b = first(b, c, d, a, load<u32>(block, 60), 22, 0x49b40821);
  a = second(a, b, c, d, load<u32>(block, 4), 5, 0xf61e2562);
  d = second(d, a, b, c, load<u32>(block, 24), 9, 0xc040b340);
  c = second(c, d, a, b, load<u32>(block, 44), 14, 0x265e5a51);
  b = second(b, c, d, a, load<u32>(block, 0), 20, 0xe9b6c7aa);
  a = second(a, b, c, d, load<u32>(block, 20), 5, 0xd62f105d);
  d = second(d, a, b, c, load<u32>(block, 40), 9, 0x02441453);
  c = second(c, d, a, b, load<u32>(block, 60), 14, 0xd8a1e681);
  b = second(b, c, d, a, load<u32>(block, 16), 20, 0xe7d3fbc8);
  a = second(a, b, c, d, load<u32>(block, 36), 5, 0x21e1cde6);
  d = second(d, a, b, c, load<u32>(block, 56), 9, 0xc33707d6);
  c = second(c, d, a, b, load<u32>(block, 12), 14, 0xf4d50d87);
  b = second(b, c, d, a, load<u32>(block, 32), 20, 0x455a14ed);
  a = second(a, b, c, d, load<u32>(block, 52), 5, 0xa9e3e905);
  d = second(d, a, b, c, load<u32>(block, 8), 9, 0xfcefa3f8);
  c = second(c, d, a, b, load<u32>(block, 28), 14, 0x676f02d9);
  b = second(b, c, d, a, load<u32>(block, 48), 20, 0x8d2a4c8a);
  a = third(a, b, c, d, load<u32>(block, 20), 4, 0xfffa3942);
  d = third(d, a, b, c, load<u32>(block, 32), 11, 0x8771f681);
  c = third(c, d, a, b, load<u32>(block, 44), 16, 0x6d9d6122);
  b = third(b, c, d, a, load<u32>(block, 56), 23, 0xfde5380c);
  a = third(a, b, c, d, load<u32>(block, 4), 4, 0xa4beea44);
  d = third(d, a, b, c, load<u32>(block, 16), 11, 0x4bdecfa9);
  c = third(c, d, a, b, load<u32>(block, 28), 16, 0xf6bb4b60);
  b = third(b, c, d, a, load<u32>(block, 40), 23, 0xbebfbc70);
  a = third(a, b, c, d, load<u32>(block, 52), 4, 0x289b7ec6);
  d = third(d, a, b, c, load<u32>(block, 0), 11, 0xeaa127fa);
  c = third(c, d, a, b, load<u32>(block, 12), 16, 0xd4ef3085);
  b = third(b, c, d, a, load<u32>(block, 24), 23, 0x04881d05);
  a = third(a, b, c, d, load<u32>(block, 36), 4, 0xd9d4d039);
  d = third(d, a, b, c, load<u32>(block, 48), 11, 0xe6db99e5);
  c = third(c, d, a, b, load<u32>(block, 60), 16, 0x1fa27cf8);
  b = third(b, c, d, a, load<u32>(block, 8), 23, 0xc4ac5665);
  a = fourth(a, b, c, d, load<u32>(block, 0), 6, 0xf4292244);
  d = fourth(d, a, b, c, load<u32>(block, 28), 10, 0x432aff97);
  c = fourth(c, d, a, b, load<u32>(block, 56), 15, 0xab9423a7);
  b = fourth(b, c, d, a, load<u32>(block, 20), 21, 0xfc93a039);
  a = fourth(a, b, c, d, load<u32>(block, 48), 6, 0x655b59c3);
  d = fourth(d, a, b, c, load<u32>(block, 12), 10, 0x8f0ccc92);
  c = fourth(c, d, a, b, load<u32>(block, 40), 15, 0xffeff47d);
  b = fourth(b, c, d, a, load<u32>(block, 4), 21, 0x85845dd1);
  a = fourth(a, b, c, d, load<u32>(block, 32), 6, 0x6fa87e4f);
  d = fourth(d, a, b, c, load<u32>(block, 60), 10, 0xfe2ce6e0);
  c = fourth(c, d, a, b, load<u32>(block, 24), 15, 0xa3014314);
  b = fourth(b, c, d, a, load<u32>(block, 52), 21, 0x4e0811a1);
  a = fourth(a, b, c, d, load<u32>(block, 16), 6, 0xf7537e82);
  d = fourth(d, a, b, c, load<u32>(block, 44), 10, 0xbd3af235);
  c = fourth(c, d, a, b, load<u32>(block, 8), 15, 0x2ad7d2bb);
  b = fourth(b, c, d, a, load<u32>(block, 36), 21, 0xeb86d391);
  a0 += a;
  b0 += b;
  c0 += c;
  d0 += d;
}

// @ts-ignore: decorator
@inline
function first(a: u32, b: u32, c: u32, d: u32, word: u32, turn: u32, sine: u32): u32 {
  return rotl(a + (d ^ (b & (c ^ d))) + word + sine, turn) + b;
}

// @ts-ignore: decorator
@inline
function second(a: u32, b: u32, c: u32, d: u32, word: u32, turn: u32, sine: u32): u32 {
  return rotl(a + (c ^ (d & (b ^ c))) + word + sine, turn) + b;
}

// @ts-ignore: decorator
@inline
function third(a: u32, b: u32, c: u32, d: u32, word: u32, turn: u32, sine: u32): u32 {
  return rotl(a + (b ^ c ^ d) + word + sine, turn) + b;
}

// @ts-ignore: decorator
@inline
function fourth(a: u32, b: u32, c: u32, d: u32, word: u32, turn: u32, sine: u32): u32 {
  return rotl(a + (c ^ (b | ~d)) + word + sine, turn) + b;
}
