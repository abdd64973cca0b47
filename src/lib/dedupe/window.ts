import { Failure } from '../errors.ts';
import type { Option } from '../options.ts';
import { flagOf, parseDurationMs } from '../options.ts';

/** How long an identity is remembered: while so many others come, or so long by the records' own time. Undefined: for ever. */
export type Window = { count: number } | { ms: number } | undefined;

/** `--window 1000000` or `--window 90d`; a duration has a unit, a plain number counts. */
export function windowOption(fallback: number | undefined, when: string): Option<Window> {
  const flags = '--window <N|DURATION>';
  return {
    flags,
    summary: `${when}remember the last so many identities, as 1000000, or those of so long, as 90d by the time in the records`,
    fallback: fallback === undefined ? undefined : { count: fallback },
    shownFallback: fallback === undefined ? 'all, for ever' : String(fallback),
    parse(text) {
      if (/^\d{1,12}$/.test(text) && Number(text) > 0) return { count: Number(text) };
      const ms = /^\d+$/.test(text) ? undefined : parseDurationMs(text);
      if (ms === undefined || ms === 0)
        throw new Failure(
          'usage',
          `${flagOf(flags)} takes a number like 1000000 or a duration like 90d; not ${JSON.stringify(text.slice(0, 60))}`,
        );
      return { ms };
    },
  };
}

/** The last generation that there is: an entry has 31 bits for it. */
const lastGeneration = 2 ** 31 - 1;

/** A window is remembered in so many parts, and forgotten part by part. */
const parts = 8;

/**
 * Counts the generations of a window by the records alone, so that a replay counts the same: each is an eighth of the window. What was added in
 * the generations from `oldest` on is remembered: all of the window, and up to an eighth more.
 */
export class Generations {
  readonly #window: Window;
  /** Identities that were added. */
  added = 0;
  /** The latest time of any record, in milliseconds since 1970; and the first one, from which generations are counted. */
  clockMs = 0;
  firstMs: number | undefined;

  constructor(window: Window) {
    this.#window = window;
  }

  /** The generation of what is added now; 1 or more. */
  get current(): number {
    if (this.#window === undefined) return 1;
    const isCounted = 'count' in this.#window;
    const [now, all] = isCounted
      ? [this.added, this.#window.count]
      : [this.clockMs - (this.firstMs ?? this.clockMs), this.#window.ms];
    return Math.min(lastGeneration, 1 + Math.floor(now / Math.max(1, Math.ceil(all / parts))));
  }

  /** A record has come about at this time. */
  see(ms: number): void {
    this.firstMs ??= ms;
    if (ms > this.clockMs) this.clockMs = ms;
  }

  /** How many are remembered at once, where that does not hang on the records. */
  get most(): number {
    return this.#window !== undefined && 'count' in this.#window ? Math.ceil((this.#window.count * (parts + 1)) / parts) : 0;
  }

  /** The first generation that is remembered. */
  get oldest(): number {
    return this.#window === undefined ? 1 : Math.max(1, this.current - parts);
  }
}
