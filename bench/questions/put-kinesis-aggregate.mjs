import { trackingEvents } from '../events.mjs';
import { service } from './put-kinesis.mjs';

const { before, env } = service;
// No program on the PATH: npm install --prefix $PEERS aws-kinesis-agg
const needs = 'node && [ -d "$PEERS/node_modules/aws-kinesis-agg" ]';

/** @type {import('../run.mjs').Question} */
export default {
  title: 'PutRecords, aggregated',
  note: 'The same with many events in a record of Kinesis, in the format of the Kinesis Producer Library; buda aggregates by shard, aws-kinesis-agg does not look after shards.',
  kind: 'cpu',
  records: 1_000_000,
  input: trackingEvents,
  contenders: {
    'buda put-stream --aggregate': { before, run: `${env} buda put-stream kinesis:bench --aggregate -q` },
    'aws-kinesis-agg': {
      before,
      needs,
      run: `${env} node $REPO/bench/programs/put-kinesis.mjs agg`,
    },
  },
  goals: [{ of: 'buda put-stream --aggregate', over: 'aws-kinesis-agg', times: 2.7 }],
};
