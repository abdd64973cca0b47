import type { Output } from '../context.ts';
import type { Rows } from '../duckdb/database.ts';

/** Writes each row as a line of JSON as it comes. */
export async function printLines({ columns, pieces }: Rows, stdout: Output): Promise<void> {
  const names = columns.map(({ name }) => `${JSON.stringify(name)}:`);
  for await (const rows of pieces) {
    let text = '';
    for (const row of rows) {
      for (let i = 0; i < row.length; i++) text += `${i === 0 ? '{' : ','}${names[i]}${row[i]}`;
      text += '}\n';
    }
    if (text !== '') await stdout.write(text);
  }
}

/** So many rows decide how wide the columns are; later ones that are wider are cut. */
const measuredRows = 1000;

/** Writes rows as a table, its columns aligned and as wide as the terminal allows. */
export async function printTable({ columns, pieces }: Rows, stdout: Output): Promise<void> {
  let widths: number[] | undefined;
  let waiting: string[][] = [];
  let count = 0;
  const flush = async () => {
    const isFirst = widths === undefined;
    widths ??= widthsOf([columns.map(({ name }) => name), ...waiting], stdout.columns);
    const lines = waiting.map((row) => lineOf(row, widths as number[], columns));
    if (isFirst)
      lines.unshift(
        lineOf(
          columns.map(({ name }) => name),
          widths,
          columns,
        ),
        widths.map((width) => '─'.repeat(width)).join('  '),
      );
    waiting = [];
    await stdout.write(lines.map((line) => `${line}\n`).join(''));
  };
  for await (const rows of pieces) {
    count += rows.length;
    for (const row of rows) waiting.push(row.map(shown));
    if (waiting.length >= measuredRows || (widths !== undefined && waiting.length > 0)) await flush();
  }
  await flush();
  await stdout.write(`(${count} ${count === 1 ? 'row' : 'rows'})\n`);
}

/** A value for people: text without quotes, nothing for null. */
function shown(json: string): string {
  if (json === 'null') return '';
  const text = json.startsWith('"') ? (JSON.parse(json) as string) : json;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what would move the cursor must not.
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ');
}

const gap = 2;
const narrowest = 6;

/** As wide as the content where all fits; else the widest columns give way. */
function widthsOf(rows: readonly string[][], columns: number): number[] {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(1, ...rows.map((row) => lengthOf(row[i] ?? ''))));
  for (;;) {
    const total = widths.reduce((sum, width) => sum + width + gap, -gap);
    const widest = widths.indexOf(Math.max(...widths));
    const second = Math.max(narrowest, ...widths.filter((_, i) => i !== widest));
    const width = widths[widest];
    if (total <= columns || width === undefined || width <= narrowest) return widths;
    widths[widest] = Math.max(narrowest, width - (total - columns), Math.min(width - 1, second));
  }
}

function lineOf(row: readonly string[], widths: readonly number[], columns: Rows['columns']): string {
  return row
    .map((text, i) => {
      const width = widths[i] ?? 0;
      const length = lengthOf(text);
      if (length > width) return `${[...text].slice(0, width - 1).join('')}…`;
      return columns[i]?.isNumber === true ? ' '.repeat(width - length) + text : text + ' '.repeat(width - length);
    })
    .join(' '.repeat(gap))
    .trimEnd();
}

/** In characters, not in UTF-16 units. */
function lengthOf(text: string): number {
  let length = 0;
  for (const _ of text) length++;
  return length;
}
