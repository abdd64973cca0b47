import { command } from '../../lib/command.ts';
import { Failure } from '../../lib/errors.ts';
import { mrrStep } from '../../lib/mrr/step.ts';
import { ledgerOptions } from '../../lib/mrr/words.ts';
import { choice, duration, flag, type Option, readingOptions, stateOptions, text } from '../../lib/options.ts';

export default command({
  role: 'transform',
  description:
    'Turns Stripe events and snapshots into the movements of MRR: a record for each change of a customer\'s monthly recurring revenue, in whole minor units, computed in exact fractions. Records may come in any order and any number of times; a movement keeps its id, and what later records correct comes again under the next revision, or with op "delete". Types that do not matter here are left out. Under an app the ledger is kept between runs, and each mark brings what has changed; without one the whole input is one batch.',
  options: {
    preset: choice(
      '--preset <NAME>',
      "the options under which another system's figures agree best",
      ['stripe', 'chartmogul', 'baremetrics', 'profitwell'],
      'stripe',
    ),
    churnAt: shown(choice('--churn-at <WHEN>', 'when a cancelled subscription stops to count', ['ended', 'requested']), 'ended'),
    pastDueGrace: shown(duration('--past-due-grace <DURATION>', 'how long a subscription past due counts'), 'without end'),
    pauseCollection: shown(
      choice('--pause-collection <HOW>', 'what counts while the collection is paused', ['counts', 'zero']),
      'counts',
    ),
    discounts: shown(
      choice('--discounts <WHICH>', 'which discounts are subtracted', ['recurring', 'all', 'forever', 'none']),
      'recurring',
    ),
    coalesce: shown(
      duration('--coalesce <DURATION>', "a customer's movements so soon after the first of them are one change"),
      'only those of one second',
    ),
    reactivationWindow: shown(duration('--reactivation-window <DURATION>', 'who comes back later than this is new'), 'never'),
    backdate: shown(
      choice('--backdate <WHEN>', 'where a subscription begins that was made for an earlier day', ['created', 'start_date']),
      'created',
    ),
    dayFactor: shown(text('--day-factor <N>', 'days in a month, a number or a fraction'), '365/12'),
    weekFactor: shown(text('--week-factor <N>', 'weeks in a month, likewise'), '52/12'),
    customerMap: text('--customer-map <FILE>', 'customers that are one: a JSON object, old id to new id'),
    asOf: shown(
      text('--as-of <TIME>', 'how far clocks run (a discount that ends, a grace that is over): now, or a time'),
      'the latest record',
    ),
    months: flag(
      '--months',
      'write a record for each month and currency instead of the movements: opening + new + expansion + contraction + churn + reactivation = closing',
    ),
    by: choice('--by <WHAT>', 'with --months: a record for each of these', ['plan', 'interval', 'customer']),
    tz: shown(text('--tz <ZONE>', 'with --months: the time zone that cuts the months, as Europe/Berlin'), 'UTC'),
    trials: choice('--trials <HOW>', 'reserved: trials do not count', ['excluded'], 'excluded'),
    trialOffers: choice('--trial-offers <HOW>', 'reserved: trial offers do not count', ['excluded'], 'excluded'),
    inclusiveTax: choice('--inclusive-tax <HOW>', 'reserved: tax inside a price does not count', ['excluded'], 'excluded'),
    rebuild: flag('--rebuild', 'under an app: say the whole ledger anew, also under other options than before'),
    strict: flag('--strict', 'warnings end the step (65): without an app before anything is written, else at the end'),
    ...stateOptions,
    ...readingOptions,
  },
  examples: [
    {
      run: 'buda produce stripe --app billing --backfill | buda transform mrr | buda put-stream mrr_movements',
      shows: 'the whole account, then, run again, what has changed',
    },
    {
      run: 'buda transform mrr --months < dump.ndjson | buda chart --x month --y closing --series currency --divide 100',
      shows: 'the monthly MRR of a dump of events',
    },
    {
      run: 'buda transform mrr --preset chartmogul --churn-at requested < dump.ndjson > movements.ndjson',
      shows: 'counted as another system counts',
    },
  ],
  sections: {
    MONTHS:
      'Months run from the first movement of an account to its last, empty ones too. Under an app a row comes again, under the next revision of its id, whenever a number in it has changed; one that is no more comes with op "delete". So a table merged by id holds the months as they are. A breakdown has ids of its own.',
    WARNINGS:
      'What could not be counted is told at the end, a line a kind: discounts whose coupon is not known, prices without tiers, changes that were missed. A record that tells the missing thing, in this run or a later one, takes the warning away and corrects the movements.',
  },
  step(call) {
    const { months, by, tz, rebuild, strict, state } = call.options;
    if (!months && (by !== undefined || tz !== undefined)) throw new Failure('usage', '--by and --tz go with --months');
    const { isLive, ...options } = ledgerOptions(call.options);
    return mrrStep(call, { options, isLive, months: months ? { by } : undefined, rebuild, strict, state });
  },
});

/** An option that is not given leaves it to the preset: this is what that comes to, for the help. */
function shown<T>(option: Option<T>, fallback: string): Option<T> {
  return { ...option, shownFallback: fallback };
}
