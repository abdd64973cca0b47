import { createRequire } from 'node:module';

// The package has no types, and its exports are made at run time.
const { plot } = createRequire(import.meta.url)('asciichart') as {
  plot(
    series: readonly number[],
    options: { height: number; min: number; max: number; format: (value: number) => string },
  ): string;
};

/**
 * A line drawn with box characters between `min` and `max`, `height` + 1 rows from the top, a column for each step from one value to the
 * next.
 */
export function plotLine(values: readonly number[], min: number, max: number, height: number): string[] {
  // Three characters stand before the line: the label, a blank and the axis.
  return plot(values, { height, min, max, format: () => ' ' })
    .split('\n')
    .map((row) => row.slice(3));
}
