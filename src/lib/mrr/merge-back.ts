import type { Hash } from './json.ts';
import { hash, isHash, list } from './json.ts';

/** The fields of a subscription that MRR, its timeline or its reasons depend on. */
const read = new Set([
  'status',
  'currency',
  'items',
  'plan',
  'quantity',
  'discount',
  'discounts',
  'default_tax_rates',
  'automatic_tax',
  'pause_collection',
  'cancel_at',
  'cancel_at_period_end',
  'canceled_at',
  'trial_start',
  'trial_end',
]);

// Up to this version `previous_attributes` holds only the changed elements of an array.
const partialArraysUntil = '2017-04-06';

/**
 * The subscription as it was before an event, from `previous_attributes` laid over the object: hashes deep, arrays whole.
 * undefined where nothing changed that is read here (a renewal, metadata).
 */
export function mergeBack(after: Hash, previous: Hash, apiVersion: string): Hash | undefined {
  let before: Hash | undefined;
  const partial = apiVersion !== '' && apiVersion <= partialArraysUntil;
  for (const [key, value] of Object.entries(previous)) {
    if (!read.has(key)) continue;
    before ??= { ...after };
    before[key] = layOver(after[key], value, partial);
  }
  return before && withSingleItem(before, after, previous);
}

function layOver(after: unknown, before: unknown, partial: boolean): unknown {
  if (isHash(after) && isHash(before)) {
    const merged: Hash = { ...after };
    for (const [key, value] of Object.entries(before)) merged[key] = layOver(after[key], value, partial);
    return merged;
  }
  if (partial && Array.isArray(after) && Array.isArray(before)) return layOverElements(after, before);
  return before;
}

function layOverElements(after: unknown[], before: unknown[]): unknown[] {
  const merged = [...after];
  for (const [place, element] of before.entries()) {
    const id = hash(element)?.id;
    const found = id === undefined ? place : merged.findIndex((other) => hash(other)?.id === id);
    if (found >= 0 && found < merged.length) merged[found] = layOver(merged[found], element, true);
    else merged.push(element);
  }
  return merged;
}

// A single-plan payload says the same thing twice, in `plan` and `quantity` and in its one item; previous_attributes may say it only on top.
function withSingleItem(before: Hash, after: Hash, previous: Hash): Hash {
  if ('items' in previous || !('plan' in previous || 'quantity' in previous)) return before;
  const items = hash(after.items);
  const [item, ...others] = list(items?.data);
  if (!isHash(item) || others.length > 0) return before;
  const changed: Hash = { ...item };
  if ('quantity' in previous) changed.quantity = previous.quantity;
  if ('plan' in previous) {
    changed.plan = before.plan;
    delete changed.price;
  }
  before.items = { ...items, data: [changed] };
  return before;
}
