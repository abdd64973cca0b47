import { trackingEvents } from '../events.mjs';

/** A service in a process of its own, which ends with the measurement; the clients find it by their environment. */
export const service = {
  before:
    '[ -f $SCRATCH/kinesis ] || { node $REPO/bench/programs/kinesis.mjs $SCRATCH/kinesis <&- >&- 2>&- & while [ ! -f $SCRATCH/kinesis ]; do sleep 0.1; done; }',
  env: 'AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=bench AWS_SECRET_ACCESS_KEY=bench AWS_ENDPOINT_URL=http://127.0.0.1:$(<$SCRATCH/kinesis)',
};
const { before, env } = service;

/** @type {import('../run.mjs').Question} */
export default {
  title: 'PutRecords',
  note: 'Tracking events into a stream of Kinesis, each with its id as the key, 500 a request. The service takes everything, and is not counted: records per second of the CPU time of the clients.',
  kind: 'cpu',
  records: 1_000_000,
  input: trackingEvents,
  contenders: {
    'buda put-stream': { before, run: `${env} buda put-stream kinesis:bench -q` },
    "the SDK's client": { before, run: `${env} node $REPO/bench/programs/put-kinesis.mjs sdk` },
    'signed and sent (the limit)': { before, run: `${env} node $REPO/bench/programs/put-kinesis.mjs bare` },
  },
  goals: [{ of: 'buda put-stream', over: "the SDK's client", times: 2.7 }],
};
