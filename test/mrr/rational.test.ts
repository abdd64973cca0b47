import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ceiling,
  compare,
  floor,
  minus,
  over,
  parseDecimal,
  parseFactor,
  plus,
  round,
  times,
} from '../../src/lib/mrr/rational.ts';
import { inWholeUnits } from '../../src/lib/mrr/whole-units.ts';

const fraction = fc
  .tuple(fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }), fc.bigInt({ min: 1n, max: 10n ** 12n }))
  .map(([n, d]) => ({ n, d }));

describe('decimals', () => {
  it.each([
    ['12.345678901234', 12_345_678_901_234n, 10n ** 12n],
    ['-0.5', -5n, 10n],
    ['1e-7', 1n, 10n ** 7n],
    ['1.5e3', 1500n, 1n],
    ['007', 7n, 1n],
    ['1e+21', 10n ** 21n, 1n],
  ])('%s is exact', (text, n, d) => expect(parseDecimal(text)).toEqual({ n, d }));

  it.each(['', '.5', '1.', 'NaN', 'Infinity', '0x10', '1_000', ' 1', '1e9999'])("'%s' is none", (text) =>
    expect(() => parseDecimal(text)).toThrow(RangeError),
  );

  it('are what is written, at any number of places', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 25n }), fc.nat(20), fc.boolean(), (digits, places, isNegative) => {
        const padded = String(digits).padStart(places + 1, '0');
        const text = places > 0 ? `${padded.slice(0, -places)}.${padded.slice(-places)}` : padded;
        const expected = { n: isNegative ? -digits : digits, d: 10n ** BigInt(places) };
        expect(compare(parseDecimal(isNegative ? `-${text}` : text), expected)).toBe(0);
      }),
      { seed: 1 },
    );
    expect(compare(parseDecimal(String(0.1)), parseFactor('1/10'))).toBe(0);
  });
});

describe('fractions', () => {
  it('keep the laws of arithmetic', () => {
    fc.assert(
      fc.property(fraction, fraction, fraction, (a, b, c) => {
        expect(compare(times(a, plus(b, c)), plus(times(a, b), times(a, c)))).toBe(0);
        expect(compare(minus(plus(a, b), b), a)).toBe(0);
        if (b.n !== 0n) expect(compare(times(over(a, b), b), a)).toBe(0);
        expect(over({ n: 1n, d: 1n }, c.n === 0n ? { n: 1n, d: 1n } : c).d > 0n).toBe(true);
      }),
      { seed: 1 },
    );
  });

  it('round half up', () => {
    const half = (n: bigint) => round({ n, d: 2n });
    expect([-3n, -1n, 1n, 3n].map(half)).toEqual([-1n, 0n, 1n, 2n]);
    fc.assert(
      fc.property(fraction, (value) => {
        const [low, near, high] = [floor(value), round(value), ceiling(value)];
        expect(low * value.d <= value.n && value.n <= high * value.d && high - low <= 1n).toBe(true);
        expect(near).toBe(2n * (value.n - low * value.d) >= value.d ? low + 1n : low);
      }),
      { seed: 1 },
    );
  });

  it('share out a rounded sum: whole units that add up, none further than one from its value', () => {
    const values = fc.array(
      fc.tuple(fc.bigInt({ min: 0n, max: 10n ** 9n }), fc.bigInt({ min: 1n, max: 1000n })).map(([n, d]) => ({ n, d })),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(values, (all) => {
        const wholes = inWholeUnits(all)!;
        expect(BigInt(wholes.reduce((sum, whole) => sum + whole, 0))).toBe(all.length > 0 ? round(all.reduce(plus)) : 0n);
        all.forEach((value, i) => expect([floor(value), floor(value) + 1n]).toContain(BigInt(wholes[i]!)));
      }),
      { seed: 1 },
    );
  });
});
