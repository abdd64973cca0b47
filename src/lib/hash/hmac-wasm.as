// HMAC-SHA256, in AssemblyScript: `npm run generate` makes hmac-wasm.ts of it. It works in a memory of its own, into which the bytes are copied;
// hmac.ts calls it. Sources: RFC 2104, FIPS 180-4.

/** Here goes what is to be authenticated, 1024 bytes at most, with 128 bytes behind them; or a key, filled up with zeros to 64. */
export const bytes: usize = memory.data(1024 + 128, 16);
/** Here is what comes of it: 64 hexadecimal digits. */
export const digits: usize = memory.data(64, 16);

/** States of SHA-256, eight words each: behind the key's inner block, behind its outer one, and that which is worked on. */
const inner: usize = memory.data(32, 16);
const outer: usize = memory.data(32, 16);
const state: usize = memory.data(32, 16);
/** The words that a block is spread to, and a block to put the inner hash into. */
const schedule: usize = memory.data(256, 16);
const second: usize = memory.data(64, 16);
const hexadecimal: usize = memory.data<u8>([48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 97, 98, 99, 100, 101, 102]);
const start: usize = memory.data<u32>([
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
]);
const constants: usize = memory.data<u32>([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
  0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
  0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
  0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
  0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
  0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
]);

/** Takes the key: its inner and its outer block are mixed once, and not for each message. */
export function take(): void {
  pad(0x36363636, inner);
  pad(0x5c5c5c5c, outer);
  memory.fill(bytes, 0, 64);
}

function pad(word: u32, into: usize): void {
  for (let i: usize = 0; i < 64; i += 4) store<u32>(second + i, load<u32>(bytes + i) ^ word);
  memory.copy(into, start, 32);
  mix(into, second);
  memory.fill(second, 0, 64);
}

/** Authenticates so many bytes. */
export function mac(length: usize): void {
  memory.copy(state, inner, 32);
  // Behind them a bit that is set, zeros, and how many bits they are with the key's block, at the end of a block.
  const blocks = (length + 8) / 64 + 1;
  const behind = bytes + length;
  memory.fill(behind, 0, bytes + blocks * 64 - behind);
  store<u8>(behind, 0x80);
  store<u32>(bytes + blocks * 64 - 4, bswap((u32(length) + 64) << 3));
  for (let i: usize = 0; i < blocks; i++) mix(state, bytes + i * 64);
  for (let i: usize = 0; i < 32; i += 4) store<u32>(second + i, bswap(load<u32>(state + i)));
  store<u8>(second, 0x80, 32);
  store<u32>(second, bswap(u32((64 + 32) << 3)), 60);
  memory.copy(state, outer, 32);
  mix(state, second);
  for (let i: usize = 0; i < 8; i++) {
    let word = load<u32>(state + i * 4);
    for (let j: usize = 0; j < 8; j++) {
      word = rotl(word, 4);
      store<u8>(digits + i * 8 + j, load<u8>(hexadecimal + (word & 15)));
    }
  }
}

/** Mixes a block into a state. */
function mix(into: usize, block: usize): void {
  for (let i: usize = 0; i < 64; i += 4) store<u32>(schedule + i, bswap(load<u32>(block + i)));
  for (let at = schedule + 64; at < schedule + 256; at += 4) {
    const early = load<u32>(at - 60);
    const late = load<u32>(at - 8);
    const one = rotr(early, 7) ^ rotr(early, 18) ^ (early >> 3);
    const two = rotr(late, 17) ^ rotr(late, 19) ^ (late >> 10);
    store<u32>(at, load<u32>(at - 64) + one + load<u32>(at - 28) + two);
  }
  let a = load<u32>(into, 0);
  let b = load<u32>(into, 4);
  let c = load<u32>(into, 8);
  let d = load<u32>(into, 12);
  let e = load<u32>(into, 16);
  let f = load<u32>(into, 20);
  let g = load<u32>(into, 24);
  let h = load<u32>(into, 28);
  for (let i: usize = 0; i < 256; i += 32) {
    h += first(e, f, g, i);
    d += h;
    h += majority(a, b, c);
    g += first(d, e, f, i + 4);
    c += g;
    g += majority(h, a, b);
    f += first(c, d, e, i + 8);
    b += f;
    f += majority(g, h, a);
    e += first(b, c, d, i + 12);
    a += e;
    e += majority(f, g, h);
    d += first(a, b, c, i + 16);
    h += d;
    d += majority(e, f, g);
    c += first(h, a, b, i + 20);
    g += c;
    c += majority(d, e, f);
    b += first(g, h, a, i + 24);
    f += b;
    b += majority(c, d, e);
    a += first(f, g, h, i + 28);
    e += a;
    a += majority(b, c, d);
  }
  store<u32>(into, load<u32>(into, 0) + a, 0);
  store<u32>(into, load<u32>(into, 4) + b, 4);
  store<u32>(into, load<u32>(into, 8) + c, 8);
  store<u32>(into, load<u32>(into, 12) + d, 12);
  store<u32>(into, load<u32>(into, 16) + e, 16);
  store<u32>(into, load<u32>(into, 20) + f, 20);
  store<u32>(into, load<u32>(into, 24) + g, 24);
  store<u32>(into, load<u32>(into, 28) + h, 28);
}

// @ts-ignore: decorator
@inline
function first(e: u32, f: u32, g: u32, i: usize): u32 {
  return (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + (g ^ (e & (f ^ g))) + load<u32>(constants + i) + load<u32>(schedule + i);
}

// @ts-ignore: decorator
@inline
function majority(a: u32, b: u32, c: u32): u32 {
  return (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + ((a & b) | (c & (a | b)));
}
