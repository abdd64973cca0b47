import { command } from '../../lib/command.ts';
import { Failure } from '../../lib/errors.ts';
import { count, flag, number, type Option, text } from '../../lib/options.ts';
import { makeKeys } from '../../lib/sandbox/api/keys.ts';
import { serve } from '../../lib/sandbox/api/server.ts';
import { archiveOf, writeLines } from '../../lib/sandbox/archive.ts';
import { tellStory } from '../../lib/sandbox/story/tell.ts';

const now: Option<number> = {
  flags: '--now <TIME>',
  summary: 'the time at which the sandbox opens, as RFC 3339 or in epoch seconds; its clock goes on from there',
  fallback: Date.UTC(2026, 10, 1) / 1000,
  shownFallback: '2026-11-01T00:00:00Z',
  parse(value) {
    const second = /^\d+$/.test(value) ? Number(value) : Math.floor(Date.parse(value) / 1000);
    if (!/^\d/.test(value) || !(second >= 1_000_000_000 && second < 10_000_000_000))
      throw new Failure('usage', `--now takes a time like 2026-11-01T00:00:00Z or 1793491200; not ${JSON.stringify(value)}`);
    return second;
  },
};

export default command({
  role: 'server',
  description:
    "It listens on loopback and tells the story of a small SaaS business, the same for the same --seed: trials, seats, upgrades, coupons that end, failed payments, pauses, cancellations and returns, in several currencies and API versions, and serves it as Stripe's API would, with pages, filters, expansions, 30 days of events and rate limits. It writes one line with the address and the keys on stdout and runs until it is stopped. Nothing happens in the hour before and after it opens; then the story goes on.",
  options: {
    port: count('--port <PORT>', 'listen on this port of 127.0.0.1; 0 takes a free one', 0, 0, 65_535),
    seed: count('--seed <N>', 'another number is another story', 42, 0, 4_294_967_295),
    customers: count('--customers <N>', 'how many have signed up by the time it opens', 200, 0, 1_000_000),
    months: count('--months <N>', 'how long the business has been going by then', 12, 1, 240),
    now,
    pace: number('--pace <N>', 'seconds of the story in a real one; at 0 its clock stands still', 1, 10_000_000),
    events: text(
      '--events <FILE>',
      'write every event so far to this file, oldest first, as an archive of webhooks holds them; - for stdout',
    ),
    truth: text(
      '--truth <FILE>',
      "write the MRR that the story implies to this file, a line for each month and currency, from the story's own books; - for stdout",
    ),
    serve: flag('--no-serve', 'write these files and exit'),
    rateLimit: count(
      '--rate-limit <N>',
      'answer more requests a second than this, or than a quarter of it to one list, with 429; 0 for any number',
      100,
      0,
      1_000_000,
    ),
    fail: number(
      '--fail <RATE>',
      'let this share of the answers go wrong: 429, 500, 409, resets, cut bodies, slow answers',
      0,
      1,
    ),
  },
  examples: [
    { run: 'buda sandbox stripe', shows: 'run it until it is stopped; its line says where, and with which keys' },
    {
      run: 'buda sandbox stripe --no-serve --events archive.ndjson --truth truth.ndjson',
      shows: 'an archive of events for a backfill, and the MRR that should come of it',
    },
    { run: 'buda sandbox stripe --pace 3600', shows: 'an hour of the story each second, for somebody who follows the events' },
    { run: 'buda sandbox stripe --customers 50 --fail 0.1', shows: 'one answer in ten goes wrong' },
  ],
  async run({ options, context }) {
    const { seed, customers, months, pace, port, fail, rateLimit } = options;
    if (options.events === '-' && options.truth === '-')
      throw new Failure('usage', 'only one of --events and --truth can go to stdout', 'give a file to the other');
    const account = tellStory({ seed, customers, months, opens: options.now });
    if (options.events !== undefined) await writeLines(options.events, archiveOf(account), context.stdout);
    if (options.truth !== undefined) await writeLines(options.truth, account.books.monthEnds(), context.stdout);
    if (!options.serve) return;

    const keys = makeKeys(seed);
    const sandbox = await serve(account, { port, keys, pace, failRate: fail, ratePerSecond: rateLimit });
    try {
      const opens = new Date(account.opens * 1000).toISOString().replace('.000', '');
      const { secret, restricted } = keys;
      const line = {
        api_base: sandbox.url,
        api_key: secret,
        restricted_key: restricted,
        account: keys.account,
        connected_account: keys.connected,
        now: opens,
      };
      await context.stdout.write(`${JSON.stringify(line)}\n`);
      context.say(
        `${customers} customers over ${months} months, and the time is ${opens}; to use it:\nexport STRIPE_API_BASE=${sandbox.url} STRIPE_API_KEY=${secret}`,
      );
      await new Promise<void>((resolve) => {
        if (context.stopped.aborted) resolve();
        else context.stopped.addEventListener('abort', () => resolve(), { once: true });
      });
    } finally {
      await sandbox.close();
    }
  },
});
