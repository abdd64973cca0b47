import { dayS, hourS } from '../calendar.ts';
import type { Invoice } from '../entities.ts';
import { tellInvoice } from './invoices.ts';
import type { SubscriptionStory } from './subscription.ts';

/** Days after the first failure on which Stripe tries again. */
const retryDays = [3, 8, 15, 21];

/** The first payment of a subscription goes through at once, or later, or never within Stripe's 23 hours. */
export function awaitFirstPayment(story: SubscriptionStory, invoice: Invoice): void {
  const { account, random } = story;
  const waitS = random.weigh([
    [70, 0],
    [15, random.between(60, 20 * hourS)],
    [15, undefined],
  ]);
  account.plan(account.now + (waitS ?? 23 * hourS), () => {
    if (story.state.status !== 'incomplete') return;
    if (waitS === undefined) {
      invoice.status = 'void';
      return story.change('clock', { status: 'incomplete_expired', endedAt: account.now, canceledAt: account.now });
    }
    invoice.status = 'paid';
    tellInvoice(account, invoice, 'invoice.paid');
    story.change('clock', { status: 'active' });
  });
}

/** What follows a failed payment: Stripe tries again for three weeks, and then does what the account's settings say. */
export function dun(story: SubscriptionStory, invoice: Invoice): void {
  const { account, random } = story;
  const paidOn = random.chance(0.65) ? random.pick(retryDays) : undefined;
  const last = random.chance(0.5) ? 'canceled' : 'unpaid';
  for (const day of retryDays) {
    account.plan(account.now + day * dayS, () => {
      if (invoice.status !== 'open' || story.state.status !== 'past_due') return;
      invoice.attempts++;
      if (day === paidOn) return story.recover(invoice);
      tellInvoice(account, invoice, 'invoice.payment_failed');
      if (day !== retryDays.at(-1)) return;
      if (last === 'canceled') return story.end('clock', 'payment_failed');
      story.change('clock', { status: 'unpaid' });
      planReturn(story, invoice);
    });
  }
}

// Half of those who are unpaid pay after all.
function planReturn(story: SubscriptionStory, invoice: Invoice): void {
  const { account, random } = story;
  const pays = random.chance(0.5);
  account.plan(account.now + random.between(2, 40) * dayS, () => {
    if (story.state.status !== 'unpaid') return;
    if (pays) story.recover(invoice);
    else story.giveUp();
  });
}
