import type { Emitted } from './subscription.ts';

/** How far a ledger has come: the number of its commit, and how many records it has read in all. */
export interface Place {
  readonly commit: number;
  readonly read: number;
}

/** What a run that died has said under a revision, and nobody has committed: whether it reached the sink is not known. */
export interface Said<Hash> {
  readonly place: Place;
  readonly revision: number;
  readonly hash: Hash;
}

/** What was said of one id and is committed. */
export type Known<Hash> = readonly [revision: number, hash: Hash];

/** Whether what was said there is to be confirmed by now, or to be corrected: whoever has read as much should say the same. */
export function isDue({ place }: Said<unknown>, now: Place): boolean {
  return place.commit <= now.commit || place.read <= now.read;
}

/**
 * Under which revision an id is to be said now; undefined for not at all. The same content under the same revision where the epoch is
 * the dead run's; where it is another, a revision above all that was said: no revision has two contents, and the last word is the highest.
 * `first` is the revision of an id that is new, `none` the hash of one that is not (or no more) there.
 */
export function revisionFor<Hash>(
  known: Known<Hash> | undefined,
  hash: Hash,
  said: readonly Said<Hash>[],
  now: Place,
  { first, none }: { first: number; none: Hash },
): number | undefined {
  const [revision, before] = known ?? [0, none];
  const next = known ? revision + 1 : first;
  const isNews = before !== hash;
  const open = said.filter((one) => one.revision > revision);
  if (open.length === 0) return isNews ? next : undefined;
  const due = open.filter((one) => isDue(one, now));
  if (!isNews && due.length === 0) return undefined;
  const isRepeated = open.some((one) => one.revision === next && one.hash === hash);
  if (isNews && isRepeated && due.every((one) => one.revision <= next)) return next;
  const last = open.reduce((a, b) => (a.revision > b.revision ? a : b));
  return last.hash === hash ? last.revision : last.revision + 1;
}

/** A movement of a subscription that may have been said. */
export interface SaidMovement extends Said<number> {
  readonly at: number;
  readonly currency: string;
}

/** What runs that died may have said of subscriptions, by the key of each in the state. */
export class SaidMovements {
  readonly #said = new Map<string, SaidMovement[]>();

  load(key: string, place: Place, emitted: readonly Emitted[]): void {
    const said = emitted.map(([at, currency, revision, hash]) => ({ place, at, currency, revision, hash }));
    this.#said.set(key, [...this.of(key), ...said]);
  }

  of(key: string): readonly SaidMovement[] {
    return this.#said.get(key) ?? [];
  }

  /** The keys of the subscriptions that have to be looked at now. */
  due(now: Place): string[] {
    return [...this.#said].filter(([, said]) => said.some((one) => isDue(one, now))).map(([key]) => key);
  }

  get isEmpty(): boolean {
    return this.#said.size === 0;
  }

  /** What was due has been said again, or corrected; without `now` all has. */
  forget(key: string, now?: Place): void {
    const open = now === undefined ? [] : this.of(key).filter((one) => !isDue(one, now));
    if (open.length > 0) this.#said.set(key, open);
    else this.#said.delete(key);
  }
}
