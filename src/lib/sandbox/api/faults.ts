import { Random } from '../random.ts';
import { rateLimited } from './limits.ts';
import { Refusal } from './refusal.ts';

/** What goes wrong with one answer: it is refused, cut off before or within its body, or late. */
export type Fault =
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | { readonly kind: 'reset' | 'truncated' }
  | { readonly kind: 'slow'; readonly delayMs: number };

/** The fault of the n-th request, if any: the same for the same seed. `rate` is the share of answers that go wrong. */
export function faultOf(seed: number, number: number, rate: number): Fault | undefined {
  const random = new Random(seed, 'fault', number);
  if (!random.chance(rate)) return undefined;
  return random.weigh<() => Fault>([
    [2, () => refused(rateLimited(random.pick(['global-rate', 'endpoint-rate', 'global-concurrency', 'endpoint-concurrency'])))],
    [
      1,
      () =>
        refused(
          new Refusal(
            429,
            'This object cannot be accessed right now because another API request or Stripe process is currently accessing it.',
            { code: 'lock_timeout' },
          ),
        ),
    ],
    [2, () => refused(new Refusal(500, 'An unknown error occurred.', { type: 'api_error' }))],
    [1, () => refused(new Refusal(409, 'The request conflicts with another request.', { type: 'api_error' }))],
    [2, () => ({ kind: 'reset' })],
    [1, () => ({ kind: 'truncated' })],
    [1, () => ({ kind: 'slow', delayMs: random.between(200, 1500) })],
  ])();
}

function refused(refusal: Refusal): Fault {
  return { kind: 'refused', refusal };
}
