import { Failure } from '../errors.ts';
import { type Option, size } from '../options.ts';

/** What closes an epoch: so many records or bytes since the checkpoint, or the next cell of arrival time. */
export interface Cuts {
  maxRecords: number;
  maxBytes: number;
}

/** Cells of arrival time: an epoch does not reach into the next one, so that a quiet stream is committed too. */
export const cellMs = 10_000;

/** The cuts where `--epoch` says nothing. */
export const defaultCuts: Cuts = { maxRecords: 10_000, maxBytes: 8 * 1024 ** 2 };

const bytes = size('--epoch <N|SIZE>', '', 0, '');

/** `--epoch`: a bare number is records, one with a unit is bytes; the other limit stays as it is. */
export const epochOption: Option<Cuts> = {
  flags: '--epoch <N|SIZE>',
  summary: 'under --app: the records, or the bytes as 8MiB, after which an epoch ends; 10 s of arrival time end it too',
  fallback: defaultCuts,
  shownFallback: '10000, 8MiB',
  parse(text) {
    if (/^\d+$/.test(text) && Number(text) > 0) return { ...defaultCuts, maxRecords: Number(text) };
    const maxBytes = bytes.parse?.(text) ?? 0;
    if (maxBytes === 0) throw new Failure('usage', '--epoch takes records like 10000, or a size like 8MiB; not 0');
    return { ...defaultCuts, maxBytes };
  },
};
