import type { Content, Keys, Movement } from './movement.ts';
import { writeMovement } from './movement.ts';
import type { Place, SaidMovement } from './said.ts';
import { revisionFor } from './said.ts';
import type { Emitted } from './subscription.ts';
import { hashOf } from './text-hash.ts';

/** What no hash is: that of a movement which is to be said again. */
export const saidBefore = -1;

type Occurrence = Pick<Content, 'occurred_at' | 'currency'>;

/** What was written out of a subscription before: what is known to stand, and what a run that died may have said. */
export interface Before {
  readonly emitted: readonly Emitted[];
  readonly said: readonly SaidMovement[];
  readonly now: Place;
  /** The revision of an id that is new. */
  readonly first: number;
}

/** Compares a subscription's movements with what was written out: the lines of those that are different, and what stands written out then. */
export function newsOf(keys: Keys, movements: readonly Content[], before: Before): { changed: Movement[]; emitted: Emitted[] } {
  const { emitted: written, said, now, first } = before;
  const changed: Movement[] = [];
  const emitted: Emitted[] = [];
  const emit = (content: Content | Occurrence, hash: number) => {
    const one = written.find(isOf(content));
    const others = said.filter(({ at, currency }) => at === content.occurred_at && currency === content.currency);
    const revision = revisionFor(one && [one[2], one[3]], hash, others, now, { first, none: 0 });
    if (revision !== undefined) changed.push(writeMovement(keys, content, revision));
    if (revision !== undefined) emitted.push([content.occurred_at, content.currency, revision, hash]);
    else if (one) emitted.push(one);
  };
  for (const content of movements) emit(content, hashOf(JSON.stringify([keys.customer, content])));
  for (const [occurred_at, currency] of [...written, ...said.map(({ at, currency }) => [at, currency] as const)]) {
    if (!emitted.some(isOf({ occurred_at, currency }))) emit({ occurred_at, currency }, 0);
  }
  return { changed, emitted };
}

/** Adds what a run that died may have said to what was written out, so that whatever comes of it is said under a higher revision. */
export function addSaid(emitted: Emitted[], said: readonly SaidMovement[]): void {
  for (const { at, currency, revision } of said) {
    const one = emitted.find(isOf({ occurred_at: at, currency }));
    if (one) one[2] = Math.max(one[2], revision);
    else emitted.push([at, currency, revision, saidBefore]);
  }
}

/** Whether it is what was written out of this occurrence. */
export function isOf({ occurred_at, currency }: Pick<Content, 'occurred_at' | 'currency'>) {
  return (one: Emitted) => one[0] === occurred_at && one[1] === currency;
}
