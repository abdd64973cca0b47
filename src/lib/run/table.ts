import type { StepCounts } from './pipeline.ts';

/** What every step counted, as lines of text in columns. */
export function tableOf(steps: readonly StepCounts[]): string[] {
  const rows = [
    ['step', 'in', 'out', 'dead', 'epochs'],
    ...steps.map(({ name, inCount, outCount, deadCount, epochs }) => [
      name,
      ...[inCount, outCount, deadCount, epochs].map(String),
    ]),
  ];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length))) ?? [];
  return rows.map((row) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  '),
  );
}
