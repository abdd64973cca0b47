/** 52 bits of a text (FNV-1a twice, from two seeds with two primes), never 0: enough to see that a movement has changed. */
export function hashOf(text: string): number {
  let [a, b] = [0x811c9dc5, 0xdeadbeef];
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul(b ^ code, 0x9e3779b1);
  }
  return (a >>> 12) * 0x100000000 + ((b ^ (b >>> 15)) >>> 0) || 1;
}
