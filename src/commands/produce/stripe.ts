import { command } from '../../lib/command.ts';
import { Failure } from '../../lib/errors.ts';
import { count, duration, flag, readingOptions, sourceOptions, text } from '../../lib/options.ts';
import { produce } from '../../lib/sources.ts';
import { epochOption } from '../../lib/stream/epochs.ts';
import { readPlace } from '../../lib/stripe/place.ts';
import { resourceNames } from '../../lib/stripe/resources.ts';

export default command({
  role: 'source',
  description:
    'Reads a Stripe account, oldest first: its events of the last 30 days, or snapshots of lists (subscriptions, customers, prices …), each a record of type snapshot.<object> in the envelope of an event. An event leaves as the very bytes that Stripe sent. Under --app it goes on from its checkpoint; what shows up late is still found within --overlap, and nothing is read twice. The key comes from STRIPE_API_KEY; read access is enough.',
  args: [
    {
      name: 'RESOURCE',
      summary: 'the lists to read; events where none is named',
      optional: true,
      many: true,
      choices: resourceNames,
    },
  ],
  options: {
    backfill: flag(
      '--backfill',
      'events, then products, prices, coupons, customers and subscriptions (or the lists named) once, then go on with events; does what is due, so that it may stand in every run',
    ),
    from: text(
      '--from <FILE>',
      'read events from a file or - (stdin) instead: NDJSON, webhook bodies, pages of a list, plain or gzip',
    ),
    follow: flag('-f, --follow', 'go on at the tip, until told to stop'),
    poll: duration('--poll <DURATION>', 'how often --follow asks', 10_000, '10s'),
    exitAtEnd: flag('-e, --exit-at-end', 'end at the tip; so it does anyway without --follow'),
    position: text('--position <PLACE>', 'where to begin without a checkpoint: beginning, end, a time, or -15m', 'beginning'),
    until: text('--until <TIME>', 'read what was created before this time, as 2026-11-24T10:00:00Z or -15m'),
    count: count('-n, --count <N>', 'end after so many records', undefined, 1),
    overlap: duration('--overlap <DURATION>', 'how late an object may show up, 10m at least', 3_600_000, '1h'),
    rate: count('--rate <N>', 'requests a second', 20, 1, 1_000),
    account: text('--account <ID>', 'read this connected account, acct_…, with the key of the platform'),
    apiBase: text('--api-base <URL>', "the API ($STRIPE_API_BASE, else Stripe's own)"),
    epoch: {
      ...epochOption,
      summary: 'the records, or the bytes as 8MiB, after which an epoch of --from ends; otherwise a page is one',
    },
    ...sourceOptions,
    ...readingOptions,
  },
  sections: {
    'WHAT IS READ':
      'An event is passed on as the bytes that Stripe sent, on one line; only a list inside it that Stripe cut at ten entries (the items of a subscription) is completed from the API. An object of a list becomes a record of type snapshot.<object> with the id snap_<id>_<second>, created when it was fetched, in the version of the API that its api_version names; its lists are completed, prices come with their tiers, coupons with what they apply to. Under an app a list that was read to its end goes on with the objects created since; changes come as events. To read it whole again, read it without --app, or under another.',
    POSITIONS:
      'A position is the mode of the key, a moment by the clock of the API, and the last id where more is to come: test:2026-11-24T10:01:02Z/evt_1QxN2b. Nothing depends on the clock of this machine. A window ends five seconds ago; --overlap is read again at each run (and now and then under --follow), and what was seen is left out. Stripe keeps events for 30 days: a checkpoint older than that ends with 65 and the command that reads the objects again; --backfill does so by itself. A file has byte, line and the hash of its beginning for a position: what was appended is read, another file is refused (65). What comes through stdin is known by its beginning.',
    ENVIRONMENT:
      'STRIPE_API_KEY: a secret or restricted key of the account, or of the platform; a key of the other mode under the same app is refused (78). STRIPE_API_BASE: as --api-base; http is for this machine only.',
  },
  examples: [
    { run: 'buda produce stripe > recent.ndjson', shows: 'the events of the last 30 days' },
    {
      run: 'buda produce stripe --app billing --backfill | buda transform mrr | buda put-stream mrr_movements',
      shows: 'the whole account, and each time it is run again, what is new',
    },
    {
      run: 'buda produce stripe --from dump.ndjson --app archive | buda put-stream stripe_events',
      shows: 'a dump of events into a stream; run again, what was appended',
    },
    { run: 'buda produce stripe subscriptions customers > objects.ndjson', shows: 'two lists, as they are now' },
  ],
  async step(call) {
    const { args, options, context } = call;
    if (options.exitAtEnd && options.follow) throw new Failure('usage', '--follow and --exit-at-end exclude each other');
    if (options.from !== undefined) {
      const { backfill, follow, account, apiBase, until, position } = options;
      if (
        args.length > 0 ||
        position !== 'beginning' ||
        backfill ||
        follow ||
        [account, apiBase, until].some((option) => option !== undefined)
      ) {
        throw new Failure('usage', '--from reads a dump: lists and the options of the API have no meaning for it');
      }
      const { openDump } = await import('../../lib/dumps/source.ts');
      return produce(call, await openDump(call, options.from, options.epoch, options.count));
    }
    if (options.overlap < 600_000) throw new Failure('usage', '--overlap takes 10m at least: Stripe is sometimes minutes late');
    const [{ accountOf }, { StripeSource }] = await Promise.all([
      import('../../lib/stripe/client.ts'),
      import('../../lib/stripe/source.ts'),
    ]);
    const account = accountOf(context.env, options.apiBase, options.account);
    const source = new StripeSource(call, account, {
      names: args,
      isBackfill: options.backfill,
      follow: options.follow,
      pollMs: options.poll,
      overlapMs: options.overlap,
      from: readPlace('--position', options.position),
      until: options.until === undefined ? undefined : readPlace('--until', options.until),
      count: options.count,
      ratePerSecond: options.rate,
    });
    return produce(call, source);
  },
});
