import { trackingEvents } from '../events.mjs';

/** A service in a process of its own, which ends with the measurement; the clients find it by their environment. */
export const service = {
  before:
    '[ -f $SCRATCH/kinesis ] || { node $REPO/bench/programs/kinesis.mjs $SCRATCH/kinesis <&- >&- 2>&- & while [ ! -f $SCRATCH/kinesis ]; do sleep 0.1; done; }',
  env: 'AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=bench AWS_SECRET_ACCESS_KEY=bench AWS_ENDPOINT_URL=http://127.0.0.1:$(<$SCRATCH/kinesis)',
};
const { before, env } = service;

/** The same by TLS, which Fluent Bit does not do without. */
const secure = {
  before:
    '[ -f $SCRATCH/kinesis-tls ] || { openssl req -x509 -newkey rsa:2048 -nodes -keyout $SCRATCH/key.pem -out $SCRATCH/cert.pem -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost 2>&-; node $REPO/bench/programs/kinesis.mjs $SCRATCH/kinesis-tls $SCRATCH/cert.pem $SCRATCH/key.pem <&- >&- 2>&- & while [ ! -f $SCRATCH/kinesis-tls ]; do sleep 0.1; done; }',
  env: env.replace(
    'http://127.0.0.1:$(<$SCRATCH/kinesis)',
    'https://localhost:$(<$SCRATCH/kinesis-tls) NODE_EXTRA_CA_CERTS=$SCRATCH/cert.pem',
  ),
};
const fluentBit =
  'fluent-bit -f 1 -i stdin -o kinesis_streams -p region=us-east-1 -p stream=bench -p endpoint=https://localhost -p port=$(<$SCRATCH/kinesis-tls) -p tls.ca_file=$SCRATCH/cert.pem';

/** @type {import('../run.mjs').Question} */
export default {
  title: 'PutRecords',
  note: 'Tracking events into a stream of Kinesis, each with its id as the key, 500 a request. The service takes everything, and is not counted: records per second of the CPU time of the clients. Fluent Bit, written in C, speaks TLS only; buda does so beside it.',
  kind: 'cpu',
  records: 1_000_000,
  input: trackingEvents,
  contenders: {
    'buda put-stream': { before, run: `${env} buda put-stream kinesis:bench -q` },
    "the SDK's client": { before, run: `${env} node $REPO/bench/programs/put-kinesis.mjs sdk` },
    'buda put-stream, by TLS': {
      before: secure.before,
      run: `${secure.env} buda put-stream kinesis:bench -q`,
      needs: 'fluent-bit',
    },
    'Fluent Bit, by TLS': {
      before: secure.before,
      // It ends with 0 whatever was lost.
      run: `{ ${env} ${fluentBit} >$SCRATCH/fluent.log 2>&1; ! grep -q error $SCRATCH/fluent.log; }`,
      needs: 'fluent-bit',
    },
    'signed and sent (the limit)': { before, run: `${env} node $REPO/bench/programs/put-kinesis.mjs bare` },
  },
  goals: [
    { of: 'buda put-stream', over: "the SDK's client", times: 2.7 },
    { of: 'buda put-stream, by TLS', over: 'Fluent Bit, by TLS', times: 1.6 },
  ],
};
