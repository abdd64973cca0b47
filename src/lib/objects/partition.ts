import { Failure } from '../errors.ts';
import { type Option, parseTimeMs } from '../options.ts';

/** The partition of a moment, in milliseconds since 1970: what stands in a key before its last part, ending in `/`. */
export type Partition = (ms: number) => string;

const words: Record<string, (iso: string) => string> = {
  Y: (iso) => iso.slice(0, 4),
  m: (iso) => iso.slice(5, 7),
  d: (iso) => iso.slice(8, 10),
  H: (iso) => iso.slice(11, 13),
};

const hourMs = 3_600_000;
/** What a file system takes for the name of a folder, %Y written out. */
const maxPartBytes = 200;

/** `--partition`: a path in which %Y, %m, %d and %H stand for a record's year, month, day and hour in UTC. */
export const partitionOption: Option<Partition | undefined> = {
  flags: '--partition <PATH>',
  summary: 'with --time: lay records out by it; %Y, %m, %d and %H are the year, month, day and hour in UTC',
  fallback: undefined,
  parse(text) {
    const path = text.replace(/^\/+|\/+$/g, '');
    const parts = path.split('/');
    const isPath = parts.every((part) => part !== '' && part !== '.' && part !== '..' && Buffer.byteLength(part) <= maxPartBytes);
    if (!isPath || /%(?![YmdH])/.test(path) || !/%/.test(path)) {
      throw new Failure('usage', `--partition takes a path like dt=%Y-%m-%d or %Y/%m/%d/%H; not ${JSON.stringify(text)}`);
    }
    return byHour((ms) => {
      const iso = new Date(ms).toISOString();
      return `${path.replace(/%([YmdH])/g, (_, word: string) => (words[word] as (iso: string) => string)(iso))}/`;
    });
  },
};

/** No word tells moments of one hour apart, and those of a stream lie close to each other. */
function byHour(partition: Partition): Partition {
  let hour = Number.NaN;
  let last = '';
  return (ms) => {
    const its = Math.floor(ms / hourMs);
    if (its !== hour) {
      hour = its;
      last = partition(ms);
    }
    return last;
  };
}

/** From here on a bare number is milliseconds, not seconds: the year 5138 in the one, 1973 in the other. */
const leastMs = 100_000_000_000;
/** A year has four digits: 0000 to 9999. */
const [firstMs, lastMs] = [-62_167_219_200_000, 253_402_300_799_999];

/** The moment that a field says, in milliseconds since 1970: a time of RFC 3339, or seconds or milliseconds since 1970; undefined for anything else. */
export function momentOf(text: string): number | undefined {
  const ms = /^\d+(\.\d+)?$/.test(text) ? Number(text) * (Number(text) < leastMs ? 1_000 : 1) : parseTimeMs(text);
  return ms === undefined || ms < firstMs || ms > lastMs ? undefined : ms;
}
