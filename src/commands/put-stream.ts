import { command } from '../lib/command.ts';
import { deliver } from '../lib/delivery.ts';
import { count, duration, flag, sinkOptions, size, text } from '../lib/options.ts';
import { openSink } from '../lib/stream/open.ts';

export default command({
  role: 'sink',
  description:
    'Appends records to a stream: to one of Kinesis that is there (kinesis:NAME), or to the local log (local:NAME), which makes it. A bare NAME goes where BUDA_STREAMS says: local, the default, or kinesis. Any number of processes may append at the same time. Records are on the disk, or acknowledged by Kinesis, before their mark is committed, and before put-stream ends; without marks that happens many times a second. The key decides on the shard, in which the order is kept.',
  args: [{ name: 'NAME', summary: 'the stream: NAME, local:NAME or kinesis:NAME' }],
  options: {
    key: {
      ...text(
        '--key <PATH>',
        'the field whose value is the partition key, as id or customer.id; a record without it takes the sha256 of its line',
      ),
      shownFallback: 'id',
    },
    shards: {
      ...count('--shards <N>', 'local: how many shards a new stream has', 1, 1, 1000),
      fallback: undefined,
      shownFallback: '1',
    },
    retention: duration(
      '--retention <DURATION>',
      'local, from now on: how long records are kept, and longer while an app has yet to commit them (24h for a new stream)',
    ),
    maxSize: {
      ...size(
        '--max-size <SIZE>',
        'local, from now on: drop the oldest records beyond this, whoever still needs them',
        0,
        'no limit',
      ),
      fallback: undefined,
    },
    aggregate: flag(
      '--aggregate',
      "kinesis: pack many records into one, in the format of Amazon's producer library; get-stream, the KCL and Firehose unpack it",
    ),
    ...sinkOptions,
  },
  sections: {
    'THE LOCAL LOG':
      'A stream is the folder $BUDA_HOME/streams/NAME, with a folder for each shard. There <sequence number>.ndjson holds the records and nothing else, so that cat, tail -f and jq read it too; <sequence number>.index says which of them are acknowledged. With one shard there is nothing to choose: unless --key is given, records are stored as they came and not looked into, so that a line that begins with { and is no JSON is noticed by the first step that looks. Otherwise it is rejected here. Segments are sealed at 64 MiB, or an eighth of the retention, and dropped whole.',
    AGGREGATION:
      'With --aggregate a record of Kinesis holds up to 256 KiB of records, all of one shard: fewer records to pay for and to send. They are gathered for 100 ms, or until a mark. Their order is kept within the shard. put-stream asks where the shards are (kinesis:ListShards); what a split or a merge leads into another shard is sent once more to its own, as readers pass over it elsewhere. A reader must know the format: get-stream, the Kinesis Client Library and Firehose do; a Lambda function needs a package for it.',
  },
  examples: [
    { run: 'buda put-stream tracking_events < events.ndjson', shows: 'append a file; a stream that is not there is made' },
    {
      run: 'buda produce stripe --app billing --from dump.ndjson | buda transform mrr | buda put-stream mrr_movements',
      shows: 'the end of a pipe under an app: run again, it adds nothing twice',
    },
    {
      run: 'buda put-stream tracking_by_user --shards 4 --key user_id --retention 7d < events.ndjson',
      shows: "four shards, one user's events in order, kept for a week",
    },
  ],
  step: async (call) => deliver(call, await openSink(call, call.args[0] ?? '')),
});
