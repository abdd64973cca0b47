import { service } from './put-kinesis.mjs';

const { before, env } = service;

/** @type {import('../run.mjs').Question} */
export default {
  title: 'Start-up',
  note: 'From the shell to the end of the process: the version, a transform that reads one record and ends, put-stream, put-firehose and put-s3 with a client that is ready while no record comes, one record put (signed, sent and answered as well), and node itself with an empty program.',
  kind: 'time',
  rounds: 41,
  contenders: {
    'bare node': { run: 'node -e 0', alone: true },
    'buda --version': { run: 'buda --version', alone: true },
    'buda transform flatten': { run: 'buda transform flatten -q <<<\'{"a":1}\'', alone: true },
    'buda put-stream local:trial': { run: 'buda put-stream local:trial -q <<<\'{"id":"1"}\'', alone: true },
    'buda put-stream kinesis:trial, ready': { before, run: `${env} buda put-stream kinesis:trial -q </dev/null`, alone: true },
    'buda put-firehose trial, ready': { before, run: `${env} buda put-firehose trial -q </dev/null`, alone: true },
    'buda put-s3 s3://trial, ready': { before, run: `${env} buda put-s3 s3://trial -q </dev/null`, alone: true },
    'buda put-stream kinesis:trial': { before, run: `${env} buda put-stream kinesis:trial -q <<<'{"id":"1"}'`, alone: true },
    'import of the Kinesis client': {
      run: 'cd $REPO; node --input-type=module -e "import \'@aws-sdk/client-kinesis\'"',
      alone: true,
    },
    jq: { run: 'jq -n 1', alone: true, needs: 'jq' },
    python3: { run: 'python3 -c pass', alone: true, needs: 'python3' },
  },
  goals: [
    { of: 'buda --version', over: 'bare node', plusMs: 8, whereMs: 20 },
    { of: 'buda transform flatten', over: 'bare node', plusMs: 12, whereMs: 20 },
    { of: 'buda put-stream kinesis:trial, ready', over: 'bare node', plusMs: 30, whereMs: 20 },
    { of: 'buda put-firehose trial, ready', over: 'bare node', plusMs: 30, whereMs: 20 },
    { of: 'buda put-s3 s3://trial, ready', over: 'bare node', plusMs: 35, whereMs: 20 },
  ],
};
