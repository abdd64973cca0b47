import type { State, StateTuple } from './state.ts';
import { isTerminal, rankOf, stateOf, withStatus } from './state.ts';
import type { TermsTable } from './terms.ts';

/** One record's word about a subscription, placed at the second it is true of. `state` and `before` number the states of the subscription; -1: not said. */
export type Observation = [at: number, kind: 'created' | 'event' | 'snapshot', state: number, before: number, id: string];

/** A state from a second on, and how it is known. */
export interface Span {
  readonly at: number;
  readonly state: State;
  readonly source: 'event' | 'snapshot' | 'estimate';
  /** The record that said so; '' for an estimate. */
  readonly id: string;
}

/** The spans are in order of time, and each holds until the next one begins; no estimate stands behind what was observed. */
export interface Timeline {
  readonly spans: readonly Span[];
  /** An event's "before" was another than the state known: something was missed. */
  readonly hasGap: boolean;
}

// A trail through more edges than this would take too long to search; nothing real comes near.
const maxEdges = 8;
// A trial that begins with its subscription may be stamped moments after it.
const trialSlackS = 60;

/** The one timeline that all observations (in order of time) tell. `born` is when the subscription was made, 0 if no record says. */
export function timelineOf(
  observations: readonly Observation[],
  tuples: readonly StateTuple[],
  born: number,
  terms: TermsTable,
): Timeline {
  const states = tuples.map(stateOf);
  const spans: Span[] = [];
  let hasGap = false;
  let known = -1;
  for (let from = 0, to = 0; from < observations.length; from = to) {
    const at = observations[from]![0];
    for (to = from; to < observations.length && observations[to]![0] === at; ) to++;
    const { winner, start } = collapse(observations.slice(from, to), states, known);
    if (known < 0) spans.push(...estimate(observations, states, winner, start, born));
    else if (start >= 0 && start !== known && outlineOf(states[start]!, terms) !== outlineOf(states[known]!, terms))
      hasGap = true;
    known = winner[2];
    const state = states[known]!;
    spans.push({ at, state, source: winner[1] === 'snapshot' ? 'snapshot' : 'event', id: winner[4] });
    if (isTerminal(state.status)) break;
  }
  return { spans, hasGap };
}

/**
 * One state for one second: the terminal one; else, events before snapshots, the end of the longest trail of matching changes; else the latest by
 * rank. `start` is the state that the trail, or the winner, says it came from; -1 where nothing does.
 */
function collapse(told: readonly Observation[], states: readonly State[], known: number): { winner: Observation; start: number } {
  const made = told.find(([, kind]) => kind === 'created');
  const events = told.filter(([, kind]) => kind !== 'snapshot');
  const heard = events.length > 0 ? events : told;
  const edges = events.filter(([, , state, before]) => before >= 0 && before !== state);
  const trail = edges.length > 0 && edges.length <= maxEdges ? longestTrail(edges, states, made ? made[2] : known) : undefined;
  const ends = told.filter(([, , state]) => isTerminal(states[state]!.status));
  const final =
    latest(
      ends.filter(([, kind]) => kind !== 'snapshot'),
      states,
    ) ?? latest(ends, states);
  const winner = final ?? trail?.at(-1) ?? latest(heard, states)!;
  return { winner, start: made ? -1 : trail ? trail[0]![3] : edges.length === 0 ? winner[3] : -1 };
}

function longestTrail(edges: readonly Observation[], states: readonly State[], known: number): Observation[] {
  let best: Observation[] = [];
  const isBetter = (trail: Observation[]): boolean => {
    if (trail.length !== best.length) return trail.length > best.length;
    const [fits, fitted] = [trail[0]![3] === known, best[0]![3] === known];
    return fits !== fitted ? fits : isLater(trail.at(-1)!, best.at(-1)!, states);
  };
  const walk = (trail: Observation[]): void => {
    if (trail.length > 0 && isBetter(trail)) best = trail;
    const end = trail.at(-1)?.[2];
    for (const edge of edges) if (!trail.includes(edge) && (end === undefined || edge[3] === end)) walk([...trail, edge]);
  };
  walk([]);
  return best;
}

function latest(told: readonly Observation[], states: readonly State[]): Observation | undefined {
  return told.reduce<Observation | undefined>((last, one) => (!last || isLater(one, last, states) ? one : last), undefined);
}

function isLater(a: Observation, b: Observation, states: readonly State[]): boolean {
  if ((a[1] === 'created') !== (b[1] === 'created')) return b[1] === 'created';
  const [rankA, rankB] = [rankOf(states[a[2]]!.status), rankOf(states[b[2]]!.status)];
  return rankA !== rankB ? rankA > rankB : a[4] > b[4];
}

// From the subscription's birth to its first observation: the state that the first one says it came from, or itself.
function estimate(
  all: readonly Observation[],
  states: readonly State[],
  first: Observation,
  start: number,
  born: number,
): Span[] {
  const at = first[0];
  if (born === 0 || born >= at || all.some(([, kind]) => kind === 'created')) return [];
  const told = states[start >= 0 ? start : first[2]]!;
  const state = isTerminal(told.status) ? withStatus(told, told.status === 'canceled' ? 'active' : 'incomplete') : told;
  const trialEnd = Math.min(state.trialEnd, at);
  const beganInTrial = state.trialStart > 0 && state.trialStart <= born + trialSlackS && trialEnd > born;
  if (!beganInTrial || state.status === 'trialing') return [{ at: born, state, source: 'estimate', id: '' }];
  const trial: Span = { at: born, state: withStatus(state, 'trialing'), source: 'estimate', id: '' };
  return trialEnd < at ? [trial, { at: trialEnd, state, source: 'estimate', id: '' }] : [trial];
}

// What two payloads of different API versions can be compared by.
function outlineOf(state: State, table: TermsTable): string {
  const { status, currency, items, discounts, canceledAt, cancelsAtPeriodEnd, isCollectionPaused } = state;
  const priced = items.map(({ terms, quantity }) => `${table.get(terms).price} x ${quantity}`).sort();
  return [status, currency, priced, discounts.length, canceledAt, cancelsAtPeriodEnd, isCollectionPaused].join(' ');
}
