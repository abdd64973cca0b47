import { Failure } from '../errors.ts';
import { type Option, size } from '../options.ts';
import type { Cuts } from './source.ts';

const bytes = size('--epoch <N|SIZE>', '', 0, '');
const usual: Cuts = { maxRecords: 10_000, maxBytes: 8 * 1024 ** 2 };

/** `--epoch`: a bare number is records, one with a unit is bytes; the other limit stays as it is. */
export const epochOption: Option<Cuts> = {
  flags: '--epoch <N|SIZE>',
  summary: 'the records, or the bytes as 8MiB, after which an epoch of --from ends; a page is an epoch otherwise',
  fallback: usual,
  shownFallback: '10000, 8MiB',
  parse(text) {
    if (/^\d+$/.test(text) && Number(text) > 0) return { ...usual, maxRecords: Number(text) };
    const maxBytes = bytes.parse?.(text) ?? 0;
    if (maxBytes === 0) throw new Failure('usage', '--epoch takes records like 10000, or a size like 8MiB; not 0');
    return { ...usual, maxBytes };
  },
};
