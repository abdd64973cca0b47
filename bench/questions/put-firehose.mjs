import { trackingEvents } from '../events.mjs';
import { service } from './put-kinesis.mjs';

const { before, env } = service;

/** @type {import('../run.mjs').Question} */
export default {
  title: 'PutRecordBatch',
  note: 'Tracking events into a stream of Firehose, 500 a request, each looked through whether it is JSON. The service takes everything, and is not counted: records per second of the CPU time of the clients.',
  kind: 'cpu',
  records: 1_000_000,
  input: trackingEvents,
  contenders: {
    'buda put-firehose': { before, run: `${env} buda put-firehose bench -q` },
    "the SDK's client": { before, run: `${env} node $REPO/bench/programs/put-kinesis.mjs firehose` },
  },
  goals: [{ of: 'buda put-firehose', over: "the SDK's client", times: 2.7 }],
};
