import { Failure } from '../errors.ts';
import { kindOfText } from '../table/times.ts';
import { bits } from './values.ts';

/** A column whose type `--columns` fixes. */
export interface Fixed {
  name: string;
  type: string;
  /** Whether a value of these bits, not null, is one of the type: as it is, nothing rounded or cut. */
  fits(seen: number, bytes: Buffer, start: number, end: number): boolean;
}

const integers: Record<string, [least: bigint, most: bigint]> = Object.fromEntries(
  [
    ['TINYINT', 8n],
    ['SMALLINT', 16n],
    ['INTEGER', 32n],
    ['BIGINT', 64n],
    ['HUGEINT', 128n],
  ].flatMap(([name, size]) => {
    const half = 2n ** ((size as bigint) - 1n);
    return [
      [name as string, [-half, half - 1n]],
      [`U${name as string}`, [0n, 2n * half - 1n]],
    ];
  }),
);
const synonyms: Record<string, string> = {
  BOOL: 'BOOLEAN',
  INT: 'INTEGER',
  LONG: 'BIGINT',
  TEXT: 'VARCHAR',
  STRING: 'VARCHAR',
  NUMERIC: 'DECIMAL',
  'DOUBLE PRECISION': 'DOUBLE',
};
const known = 'BOOLEAN, TINYINT to HUGEINT, UTINYINT to UHUGEINT, DOUBLE, DECIMAL(p,s), VARCHAR, DATE, TIMESTAMP, JSON';

/** Reads `id VARCHAR, "the amount" DECIMAL(10,2)`. Throws a Failure (2) for anything else. */
export function parseColumns(text: string): Fixed[] {
  const columns: Fixed[] = [];
  const part =
    /\s*(?:"((?:[^"]|"")+)"|([\p{L}_][\p{L}\d_$]*))\s+([A-Za-z]+(?: +precision)?)\s*(\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?\s*(,|$)/giuy;
  for (let at = 0; at < text.length; at = part.lastIndex) {
    part.lastIndex = at;
    const [, quoted, plain, word = '', brackets, width, scale, comma] = part.exec(text) ?? [];
    const name = quoted?.replaceAll('""', '"') ?? plain;
    if (name === undefined || (comma === ',' && part.lastIndex >= text.length))
      throw new Failure('usage', "--columns takes names and types, as 'id VARCHAR, amount BIGINT'");
    const upper = word.toUpperCase().replace(/ +/, ' ');
    const type = synonyms[upper] ?? upper;
    if (columns.some((other) => other.name.toLowerCase() === name.toLowerCase()))
      throw new Failure(
        'usage',
        `--columns names ${JSON.stringify(name)} twice`,
        'DuckDB takes no notice of upper and lower case',
      );
    if (name.toLowerCase() === 'record') throw new Failure('usage', '--columns cannot name record: it is the record as JSON');
    const column =
      type === 'DECIMAL' ? decimal(name, width ?? '18', scale ?? (width === undefined ? '3' : '0')) : simple(name, type);
    if (column === undefined || (brackets !== undefined && type !== 'DECIMAL'))
      throw new Failure(
        'usage',
        `--columns: the type of ${JSON.stringify(name)} is one of ${known}`,
        'other types are a cast in the query',
      );
    columns.push(column);
  }
  return columns;
}

function simple(name: string, type: string): Fixed | undefined {
  const range = integers[type];
  if (range !== undefined) {
    const fits: Fixed['fits'] = (seen, bytes, start, end) => {
      if ((seen & (bits.small | bits.big | bits.huge | bits.odd)) === 0) return false;
      const text = bytes.toString('latin1', start, end);
      if (!/^-?\d{1,40}$/.test(text)) return false;
      const value = BigInt(text);
      return value >= range[0] && value <= range[1];
    };
    return { name, type, fits };
  }
  const fits = fitting[type];
  return fits === undefined ? undefined : { name, type, fits };
}

const fitting: Record<string, Fixed['fits']> = {
  BOOLEAN: (seen) => seen === bits.boolean,
  DOUBLE: (seen, bytes, start, end) =>
    (seen & (bits.small | bits.big | bits.huge | bits.double | bits.odd)) !== 0 &&
    Number.isFinite(Number(bytes.toString('latin1', start, end))),
  VARCHAR: () => true,
  JSON: () => true,
  DATE: (seen, bytes, start, end) => (seen & bits.text) !== 0 && kindOfText(bytes, start + 1, end - 1) === bits.date,
  TIMESTAMP: (seen, bytes, start, end) => {
    if ((seen & bits.text) === 0) return false;
    const text = bytes.toString('latin1', start + 1, end - 1);
    const [, local, offset] = /^(.{19}(?:\.\d{1,6})?)(Z|[+-](?:0\d|1[0-5]):[0-5]\d)?$/.exec(text) ?? [];
    if (local === undefined) return false;
    const instant = Buffer.from(`${local.replace(' ', 'T')}Z`, 'latin1');
    return (offset === undefined || offset !== '') && kindOfText(instant, 0, instant.length) === bits.time;
  },
};

function decimal(name: string, width: string, scale: string): Fixed | undefined {
  const [p, s] = [Number(width), Number(scale)];
  if (!(p >= 1 && p <= 38 && s <= p)) return undefined;
  return {
    name,
    type: `DECIMAL(${p},${s})`,
    fits(seen, bytes, start, end) {
      if ((seen & (bits.text | bits.nested | bits.boolean)) !== 0) return false;
      const [, digits, decimals = ''] = /^-?0*(\d*)(?:\.(\d*?)0*)?$/.exec(bytes.toString('latin1', start, end)) ?? [];
      return digits !== undefined && digits.length <= p - s && decimals.length <= s;
    },
  };
}
