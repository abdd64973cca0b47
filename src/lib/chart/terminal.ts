import { plotLine } from '../asciichart/plot.ts';
import { full, shortFor } from './numbers.ts';
import type { Chart } from './points.ts';

interface Terminal {
  columns: number;
  /** Whether series are told apart by colour; else each line gets a picture of its own. */
  hasColours: boolean;
}

interface Words {
  title: string | undefined;
  /** What the values are. */
  y: string;
}

const colours = [34, 33, 32, 31, 35, 36, 94, 93, 92, 91, 95, 96];

/** Lines of text that show a line for each series. */
export function drawLines(chart: Chart, words: Words, terminal: Terminal): string[] {
  const groups = terminal.hasColours && !isApart(chart) ? [chart.series] : chart.series.map((one) => [one]);
  const out = words.title === undefined ? [] : [words.title, ''];
  for (const series of groups) {
    const named = series.map(({ name }) =>
      paint(
        `── ${name}`,
        chart.series.findIndex((one) => one.name === name),
        terminal,
      ),
    );
    if (series.length > 1 || chart.series.length > 1 || words.title === undefined) out.push(named.join('   '));
    out.push(...drawPlot({ ...chart, series }, chart.series, terminal), '');
  }
  return out.slice(0, -1);
}

/** Whether the series are of such different sizes that on one axis the small ones would lie flat. */
export function isApart({ series }: Chart): boolean {
  const sizes = series.map(({ values }) => Math.max(...values.map((value) => Math.abs(value ?? 0)))).filter((size) => size > 0);
  return sizes.length > 1 && Math.max(...sizes) > 20 * Math.min(...sizes);
}

function drawPlot(chart: Chart, all: Chart['series'], terminal: Terminal): string[] {
  const { xs, series } = chart;
  const { min, max, step } = axisOf(series.flatMap((one) => one.values.filter((value) => value !== undefined)));
  const height = Math.round((2 * (max - min)) / step);
  const short = shortFor(Math.max(Math.abs(min), Math.abs(max)));
  // A label for every second row, so that each is a round number.
  const labels = Array.from({ length: height + 1 }, (_, row) => (row % 2 === 0 ? short(max - (row * step) / 2) : ''));
  const axis = Math.max(3, ...labels.map(({ length }) => length)) + 1;
  const width = Math.max(8, Math.min(terminal.columns - axis - 1, Math.max(60, xs.length)));
  const places = placesOf(chart, width);
  const rows = labels.map((label) => `${label.padStart(axis - 1)} ${label === '' ? '│' : '┤'}`);
  const cells = rows.map((): Cell[] => Array.from({ length: width }, () => ({ text: ' ', index: -1 })));
  for (const { name, values } of series) {
    const { columns, first, last } = stretch(values, places, width);
    const index = all.findIndex((one) => one.name === name);
    for (const [row, line] of plotLine(columns, min, max, height).entries()) {
      // asciichart draws no gaps: what stands before the first value and behind the last is left out.
      for (let x = first; x <= last; x++) {
        const text = line[x];
        if (text !== undefined && text !== ' ') (cells[row] as Cell[])[x] = { text, index };
      }
    }
  }
  return [
    ...rows.map((row, i) => `${row}${painted(cells[i] as Cell[], terminal)}`.trimEnd()),
    `${' '.repeat(axis)}└${'─'.repeat(width)}`,
    `${' '.repeat(axis + 1)}${xLabels(xs, places, width)}`,
  ];
}

interface Cell {
  text: string;
  /** Of the series; -1 for none. */
  index: number;
}

/** Neighbours of one colour are painted together. */
function painted(cells: readonly Cell[], terminal: Terminal): string {
  let out = '';
  for (let start = 0; start < cells.length; ) {
    const { index } = cells[start] as Cell;
    let end = start + 1;
    while (cells[end]?.index === index) end++;
    const text = cells
      .slice(start, end)
      .map((cell) => cell.text)
      .join('');
    out += index < 0 ? text : paint(text, index, terminal);
    start = end;
  }
  return out.trimEnd();
}

/** The column of each x: numbers and times to scale, words side by side. */
function placesOf({ kind, xs }: Chart, width: number): number[] {
  const sizes = xs.map((x, i) => (kind === 'number' ? Number(x) : kind === 'time' ? Date.parse(x) : i));
  const first = sizes[0] ?? 0;
  const span = (sizes.at(-1) ?? 0) - first || 1;
  return sizes.map((size) => ((size - first) * (width - 1)) / span);
}

/** Bounds that hold every value, and the round step between labels: from 0 where that leaves the lines most of the room. */
function axisOf(values: readonly number[]): { min: number; max: number; step: number } {
  const least = Math.min(...values);
  const most = Math.max(...values);
  const low = least > 0 && (least < most * 0.7 || least === most) ? 0 : least;
  const high = most < 0 && (most > least * 0.7 || least === most) ? 0 : most;
  const span = high - low || Math.abs(high) || 1;
  const power = 10 ** Math.floor(Math.log10(span / 6));
  const step = power * ([1, 2, 2.5, 5, 10].find((factor) => factor * power * 6 >= span) ?? 10);
  const min = step * Math.floor(low / step);
  const max = step * Math.ceil(high / step);
  return { min, max: max === min ? min + step : max, step };
}

/** A value for each of `width` columns, between two known ones in proportion; `first` to `last` are the columns that lie within the known. */
function stretch(
  values: readonly (number | undefined)[],
  places: readonly number[],
  width: number,
): { columns: number[]; first: number; last: number } {
  const known = values.flatMap((value, i) => (value === undefined ? [] : [{ at: places[i] as number, value }]));
  const columns: number[] = [];
  let next = 0;
  // asciichart draws the step from one value to the next: one more than there are columns.
  for (let column = 0; column <= width; column++) {
    while (next < known.length && (known[next] as { at: number }).at <= column) next++;
    const after = known[next] ?? known.at(-1);
    const before = known[next - 1] ?? after;
    if (before === undefined || after === undefined) columns.push(0);
    else if (after.at <= before.at) columns.push(before.value);
    else columns.push(before.value + ((after.value - before.value) * (column - before.at)) / (after.at - before.at));
  }
  return { columns, first: Math.floor(known[0]?.at ?? 0), last: Math.ceil(known.at(-1)?.at ?? 0) };
}

/** As many of the labels as fit, the first and the last among them. */
function xLabels(xs: readonly string[], places: readonly number[], width: number): string {
  const last = xs.length - 1;
  const startOf = (i: number) => {
    const length = xs[i]?.length ?? 0;
    return Math.max(0, Math.min(width - length, Math.round((places[i] ?? 0) - (length - 1) / 2)));
  };
  const roomEnd = last > 0 ? startOf(last) : width + 3;
  const widest = Math.max(...xs.map(({ length }) => length));
  const step = Math.max(1, Math.ceil(last / Math.max(1, Math.floor(width / (widest + 3)))));
  let line = '';
  for (let i = 0; i <= last; i++) {
    const start = startOf(i);
    const text = xs[i] as string;
    const isFree = line === '' || start >= line.length + 2;
    if (i === last ? isFree : i % step === 0 && isFree && start + text.length + 2 <= roomEnd)
      line = `${line.padEnd(start)}${text}`;
  }
  return line;
}

const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** Lines of text that show a bar for each value. */
export function drawBars({ xs, series }: Chart, words: Words, terminal: Terminal): string[] {
  const values = series.flatMap((one) => one.values.filter((value) => value !== undefined));
  const [min, max] = [Math.min(0, ...values), Math.max(0, ...values)];
  const hasNames = series.length > 1;
  const xWidth = Math.max(...xs.map(({ length }) => length));
  const nameWidth = hasNames ? Math.max(...series.map(({ name }) => name.length)) + 1 : 0;
  const numberWidth = Math.max(...values.map((value) => full(value).length));
  const room = Math.max(8, Math.min(terminal.columns - xWidth - nameWidth - numberWidth - 4, 100));
  const scale = max === min ? 0 : room / (max - min);
  const zero = Math.round(-min * scale);
  const out = words.title === undefined ? [`${words.y}`] : [words.title, ''];
  for (const [i, x] of xs.entries()) {
    let label = x;
    for (const [s, { name, values: own }] of series.entries()) {
      const value = own[i];
      if (value === undefined) continue;
      const bar = paint(barOf(value, scale, zero), s, terminal);
      out.push(`${label.padEnd(xWidth)} ${hasNames ? name.padEnd(nameWidth) : ''}${bar} ${full(value)}`);
      label = '';
    }
  }
  return out;
}

function barOf(value: number, scale: number, zero: number): string {
  if (value < 0) {
    const length = Math.min(zero, Math.round(-value * scale));
    return `${' '.repeat(zero - length)}${'█'.repeat(length)}│`;
  }
  const parts = Math.round(value * scale * 8);
  const bar = `${'█'.repeat(Math.floor(parts / 8))}${eighths[parts % 8]}`;
  return `${' '.repeat(zero)}${zero > 0 ? '│' : ''}${bar === '' && value > 0 ? '▏' : bar}`;
}

function paint(text: string, index: number, { hasColours }: Terminal): string {
  return hasColours ? `\u001b[${colours[index % colours.length]}m${text}\u001b[0m` : text;
}
