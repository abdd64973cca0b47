import type { StateTuple } from './state.ts';
import { isTerminal } from './state.ts';
import type { Observation } from './timeline.ts';

/** A movement that was written out: enough to know whether it has changed since. A hash of 0 is a deletion. */
export type Emitted = [at: number, currency: string, revision: number, hash: number];

/** All that is kept of a subscription, as it lies in the state. Times are 0 where unknown. */
export interface Kept {
  /** Stripe's id of the customer. */
  customer: string;
  created: number;
  startDate: number;
  states: StateTuple[];
  observations: Observation[];
  emitted: Emitted[];
  warnings: string[];
  waits: string[];
  /** The next second at which the clock alone may move it; 0 for never. */
  next: number;
}

/** What one record adds. `before` is undefined where the record doesn't say what was before. */
export interface News {
  readonly at: number;
  readonly kind: Observation[1];
  readonly state: StateTuple;
  readonly before: StateTuple | undefined;
  readonly id: string;
  readonly customer: string;
  readonly created: number;
  readonly startDate: number;
}

/** What is kept of a subscription of which nothing has been taken in. */
export function emptyKept(): Kept {
  return { customer: '', created: 0, startDate: 0, states: [], observations: [], emitted: [], warnings: [], waits: [], next: 0 };
}

type KeptTuple = [string, number, number, StateTuple[], Observation[], Emitted[], string[], string[], number];

/** As an array, to be small: what the state holds for each subscription. */
export function packKept({
  customer,
  created,
  startDate,
  states,
  observations,
  emitted,
  warnings,
  waits,
  next,
}: Kept): KeptTuple {
  return [customer, created, startDate, states, observations, emitted, warnings, waits, next];
}

/** What `packKept` made an array of, as it was; nothing is checked. */
export function unpackKept(tuple: unknown): Kept {
  const [customer, created, startDate, states, observations, emitted, warnings, waits, next] = tuple as KeptTuple;
  return { customer, created, startDate, states, observations, emitted, warnings, waits, next };
}

/**
 * Adds what records have told, and drops the observations before `horizon` that only repeat what both their neighbours say. Says whether the timeline
 * may be another one now; a renewal at its end leaves it as it was.
 */
export function takeIn(kept: Kept, news: readonly News[], horizon: number): boolean {
  const written: string[] = [];
  const number = (state: StateTuple): number => {
    const text = JSON.stringify(state);
    for (let place = kept.states.length - 1; place >= 0; place--) {
      if ((written[place] ??= JSON.stringify(kept.states[place])) === text) return place;
    }
    return kept.states.push(state) - 1;
  };
  let isMoved = false;
  for (const { at, kind, state, before, id, customer, created, startDate } of news) {
    if (isBetterCustomer(customer, kept.customer)) [kept.customer, isMoved] = [customer, true];
    if (created > 0 && (kept.created === 0 || created < kept.created)) [kept.created, isMoved] = [created, true];
    if (startDate > 0 && (kept.startDate === 0 || startDate < kept.startDate)) [kept.startDate, isMoved] = [startDate, true];
    const is = number(state);
    const was = !before ? -1 : before === state ? is : number(before);
    if (add(kept, [at, kind, is, was, id])) isMoved = true;
  }
  if (kept.observations.length > 2) drop(kept, horizon);
  return isMoved;
}

/** Puts the record of the creation where `backdate` has it, as if it had been read under that option. */
export function placeCreation({ observations, created, startDate }: Kept, backdate: 'created' | 'start_date'): void {
  const at = (backdate === 'start_date' && startDate) || created;
  for (const one of observations) if (one[1] === 'created' && at > 0) one[0] = at;
  observations.sort((a, b) => a[0] - b[0] || (a[4] < b[4] ? -1 : 1));
}

// True where the timeline may change: everything but a repetition of the last state after all that is known.
function add(kept: Kept, one: Observation): boolean {
  const { observations, states } = kept;
  const [at, kind, state, before, id] = one;
  let place = observations.length;
  while (place > 0 && observations[place - 1]![0] >= at) {
    const other = observations[--place]!;
    if (other[4] === id) return false;
    if (kind === 'snapshot' && other[1] === 'snapshot' && other[0] === at && other[2] === state) {
      if (id >= other[4]) return false;
      other[4] = id;
      return true;
    }
  }
  while (observations[place]?.[0] === at && observations[place]![4] < id) place++;
  observations.splice(place, 0, one);
  const [last, previous] = [observations[place - 1], observations[place - 2]];
  if (place < observations.length - 1 || !last || kind === 'created' || last[0] === at || last[0] === previous?.[0]) return true;
  return last[2] !== state || (before >= 0 && before !== state) || isTerminal(states[state]![0]);
}

function drop(kept: Kept, horizon: number): void {
  const left: Observation[] = [];
  for (const [place, one] of kept.observations.entries()) {
    if (!isRepetition(left.at(-2), left.at(-1), one, kept.observations[place + 1], horizon)) left.push(one);
  }
  kept.observations = left;
}

function isRepetition(
  earlier: Observation | undefined,
  before: Observation | undefined,
  one: Observation,
  after: Observation | undefined,
  horizon: number,
) {
  if (!before || !after || after[0] >= horizon || one[1] === 'created') return false;
  const isAlone = earlier?.[0] !== before[0] && before[0] !== one[0] && after[0] !== one[0];
  return isAlone && before[2] === one[2] && after[2] === one[2] && !isChange(one) && !isChange(after);
}

function isChange([, , state, before]: Observation): boolean {
  return before >= 0 && before !== state;
}

// A subscription's customer never changes; `customer_account` stands in only where a payload has nothing else.
function isBetterCustomer(one: string, than: string): boolean {
  if (one === '' || one === than) return false;
  if (than === '' || one.startsWith('cus_') !== than.startsWith('cus_')) return than === '' || one.startsWith('cus_');
  return one < than;
}
