/** How numbers up to `most` stand on one axis: 1,234, or 12.3k where it goes beyond ten thousand, 4.56M … */
export function shortFor(most: number): (value: number) => string {
  const [from, letter] = units.find(([size]) => most >= size) ?? [1, ''];
  const unit = letter === 'k' ? 1000 : from;
  return (value) => (value === 0 ? '0' : `${digits(value / unit)}${letter}`);
}

const units = [
  [1e12, 'T'],
  [1e9, 'G'],
  [1e6, 'M'],
  [1e4, 'k'],
] as const;

/** Three digits or so, thousands grouped. */
function digits(value: number): string {
  const size = Math.abs(value);
  const decimals = size >= 100 || Number.isInteger(value) ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : size >= 0.01 ? 3 : 6;
  const [whole = '', rest = ''] = value.toFixed(decimals).split('.');
  const kept = rest.replace(/0+$/, '');
  return `${group(whole)}${kept === '' ? '' : `.${kept}`}`.replace(/^-0$/, '0');
}

/** A number with at most two decimals, thousands grouped. */
export function full(value: number): string {
  const [whole = '', rest = ''] = value.toFixed(Number.isInteger(value) ? 0 : 2).split('.');
  return `${group(whole)}${rest === '' ? '' : `.${rest}`}`;
}

function group(whole: string): string {
  return whole.replace(/\B(?=(\d{3})+$)/g, ',');
}
