/** Digits that a double holds for certain, down to the least that has all of its bits. */
const safeDigits = 15;
const leastNormal = 2 ** -1022;
/** JSON.stringify writes whole numbers up to this many digits without an exponent. */
const plainDigits = 21;

/** Strings, numbers, literals and signs of JSON; blanks are left out. */
const tokens = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|[a-z]+|[{}[\],:]/g;

/**
 * A value as JSON.stringify writes it (`value` is the parsed `text`), but with every digit of its numbers: two numbers are the same text if and only
 * if they are worth the same.
 */
export function canonicalJson(text: string, value: unknown): string {
  if (typeof value === 'number') return canonicalNumber(text);
  const found = text.match(tokens) ?? [];
  const isExact = found.every((token) => !isNumber(token) || canonicalNumber(token) === JSON.stringify(Number(token)));
  if (isExact) return JSON.stringify(value);
  return found
    .map((token) => (isNumber(token) ? canonicalNumber(token) : token[0] === '"' ? JSON.stringify(JSON.parse(token)) : token))
    .join('');
}

/** A number as JSON.stringify writes it where a double holds it for certain; else by its digits, without zeros at either end. */
export function canonicalNumber(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  const digits = (whole + fraction).replace(/^0+/, '');
  if (digits === '') return '0';
  const significant = digits.replace(/0+$/, '');
  const double = Number(text);
  const isSafe = significant.length <= safeDigits && Number.isFinite(double) && Math.abs(double) >= leastNormal;
  if (isSafe) return JSON.stringify(double);
  const power = BigInt(exponent) - BigInt(fraction.length) + BigInt(digits.length - significant.length);
  const isPlain = power >= 0n && BigInt(significant.length) + power <= BigInt(plainDigits);
  return sign + significant + (isPlain ? '0'.repeat(Number(power)) : `e${power}`);
}

function isNumber(token: string): boolean {
  return /^[-\d]/.test(token);
}
