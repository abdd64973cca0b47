import { trackingEvents } from '../events.mjs';

/** @type {import('../run.mjs').Question} */
export default {
  title: 'Untouched records, pipe to pipe',
  note: 'A million tracking events of 214 bytes with begin, a mark after each 10,000, and end, through a step that changes nothing. The engine is the program itself with a command that hands every line on (`each(call, (line) => line)`); marks are checked and counted.',
  kind: 'rate',
  records: 1_000_000,
  rounds: 11,
  input: (count) => trackingEvents(count, { marked: true }),
  contenders: {
    'buda, the engine': {
      run: '$SCRATCH/engine/bin/buda pass -q',
      before: '[ -d $SCRATCH/engine ] || node $REPO/bench/programs/engine.mjs $SCRATCH/engine',
    },
    'the bare loop': { run: 'node $REPO/bench/programs/frame.mjs' },
    'buda each -- cat': { run: 'buda each -q -- cat', share: 1 / 2 },
    'jq -c .': { run: 'jq -c .', needs: 'jq', share: 1 / 8 },
    'gojq -c .': { run: 'gojq -c .', needs: 'gojq', share: 1 / 8 },
    'jaq -c .': { run: 'jaq -c .', needs: 'jaq', share: 1 / 8 },
    'mlr cat': { run: 'grep -v "^\\[" | mlr --ijsonl --ojsonl cat', needs: 'mlr', share: 1 / 8 },
    benthos: { run: "MAPPING='root = content()' benthos run $REPO/bench/programs/benthos.yaml", needs: 'benthos', share: 1 / 8 },
    split2: { run: 'node $REPO/bench/programs/split2.mjs', share: 1 / 8 },
    ndjson: { run: 'node $REPO/bench/programs/ndjson.mjs', share: 1 / 8 },
    'cat (the limit)': { run: 'cat' },
  },
  goals: [
    { of: 'buda, the engine', over: 'jq -c .', times: 12 },
    { of: 'buda, the engine', over: 'the bare loop', times: 0.75 },
  ],
};
