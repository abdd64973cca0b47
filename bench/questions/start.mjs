/** @type {import('../run.mjs').Question} */
export default {
  title: 'Start-up',
  note: 'From the shell to the end of the process: the version, a transform that reads one record and ends, and node itself with an empty program.',
  kind: 'time',
  rounds: 21,
  contenders: {
    'bare node': { run: 'node -e 0', alone: true },
    'buda --version': { run: 'buda --version', alone: true },
    'buda transform flatten': { run: 'buda transform flatten -q <<<\'{"a":1}\'', alone: true },
    'buda put-stream local:trial': { run: 'buda put-stream local:trial -q <<<\'{"id":"1"}\'', alone: true },
    'import of the Kinesis client': {
      run: 'cd $REPO; node --input-type=module -e "import \'@aws-sdk/client-kinesis\'"',
      alone: true,
    },
    jq: { run: 'jq -n 1', alone: true, needs: 'jq' },
    python3: { run: 'python3 -c pass', alone: true, needs: 'python3' },
  },
  goals: [
    { of: 'buda --version', over: 'bare node', plusMs: 8 },
    { of: 'buda transform flatten', over: 'bare node', plusMs: 12 },
  ],
};
