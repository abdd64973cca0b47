import { command } from '../lib/command.ts';
import { deliver } from '../lib/delivery.ts';
import { sinkOptions } from '../lib/options.ts';
import { firehoseSink } from '../lib/stream/firehose/sink.ts';

export default command({
  role: 'sink',
  description:
    'Gives records to a stream of Amazon Data Firehose that is there and takes them directly (its source is DirectPut); Firehose carries them on, as to S3 or Redshift. A record is its line with its newline, so that the objects that Firehose makes are NDJSON. Records are acknowledged by Firehose before their mark is committed, and before put-firehose ends. What it refuses of a request for the moment, as when it is throttled, is sent again, and nothing else of it.',
  args: [{ name: 'NAME', summary: 'the stream of Firehose' }],
  options: { ...sinkOptions },
  examples: [
    {
      run: 'buda get-stream tracking_events --app lake -e | buda put-firehose tracking_events --app lake',
      shows: 'what is new in a stream since the last run, e.g. from cron',
    },
    { run: 'buda put-firehose tracking_events < events.ndjson', shows: 'a file, as for a backfill' },
  ],
  sections: {
    'WHAT FIREHOSE PROMISES':
      'At least once, and no order. A run that died puts its last epoch again, and Firehose itself may write a record twice: nothing inside AWS takes that back. Let what reads them merge by id, as put-table does, or take doubles out with buda transform dedupe behind them. A record may have 1,000 KiB; a larger one is rejected.',
    'WHAT IT NEEDS':
      'The permission firehose:PutRecordBatch. Region, credentials and endpoint come as for every tool of AWS: AWS_REGION, AWS_PROFILE, roles, AWS_ENDPOINT_URL_FIREHOSE.',
  },
  step: (call) => deliver(call, firehoseSink(call, call.args[0] ?? '')),
});
