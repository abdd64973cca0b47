import { command } from '../lib/command.ts';
import { rememberingOptions } from '../lib/dedupe/options.ts';
import { Failure } from '../lib/errors.ts';
import { count, flag, readingOptions, sourceOptions, text } from '../lib/options.ts';
import { produce } from '../lib/sources.ts';
import { epochOption } from '../lib/stream/epochs.ts';
import { openSource } from '../lib/stream/open.ts';

export default command({
  role: 'source',
  description:
    'Reads a stream, of the local log (local:NAME) or of Kinesis (kinesis:NAME); a bare NAME lives where BUDA_STREAMS says: local, the default, or kinesis. It begins at the oldest record that is kept, or under --app behind the last commit, and goes on at the tip until told to stop: -e, -n and --until end it earlier. Within a shard the order is kept. In Kinesis it needs to be allowed ListShards, GetShardIterator and GetRecords, and DescribeStreamSummary where a checkpoint is more than a day old.',
  args: [{ name: 'NAME', summary: 'the stream: NAME, local:NAME or kinesis:NAME' }],
  options: {
    position: text(
      '--position <PLACE>',
      'where to begin, under --app only without a checkpoint: beginning, end, a sequence number, a time like 2026-11-24T10:00:00Z, or -15m; TRIM_HORIZON and LATEST too',
      'checkpoint',
    ),
    exitAtEnd: flag('-e, --exit-at-end', 'end at the tip: read what is there now'),
    follow: flag('-f, --follow', 'go on at the tip; so it does anyway without -e'),
    count: count('-n, --count <N>', 'end after so many records; --dedupe leaves some of them out', undefined, 1),
    until: text(
      '--until <PLACE>',
      'read what arrived before this time, up to this sequence number, or up to the end as it is now: end',
    ),
    dedupe: flag('--dedupe', 'leave out what a retry has doubled: each id, or id and revision, comes once'),
    ...rememberingOptions(1_000_000, 'with --dedupe: '),
    epoch: epochOption,
    ...sourceOptions,
    ...readingOptions,
  },
  examples: [
    { run: 'buda get-stream tracking_events -e | jq -r .type | sort | uniq -c', shows: 'all that is there, once' },
    { run: 'buda get-stream tracking_events --position end', shows: 'what arrives from now on' },
    {
      run: 'buda get-stream tracking_events --position -15m -n 10',
      shows: 'the first ten records of the last quarter of an hour',
    },
    { run: 'buda get-stream tracking_events -e --dedupe', shows: 'each record once, though a producer may have sent it again' },
    {
      run: 'buda get-stream mrr_movements --app warehouse -e | buda put-table mrr_movements',
      shows: 'under an app: what was not committed yet, into a table; for cron',
    },
  ],
  async step(call) {
    if (call.options.exitAtEnd && call.options.follow)
      throw new Failure('usage', '--follow and --exit-at-end exclude each other');
    const source = await openSource(call, call.args[0] ?? '');
    const { dedupe, window, time, memory, state, rebuild } = call.options;
    if (!dedupe) return produce(call, source);
    const { withoutRepeats } = await import('../lib/dedupe/source.ts');
    return produce(call, withoutRepeats(call, source, { keys: [], window, time, memoryBytes: memory, state, rebuild }));
  },
});
