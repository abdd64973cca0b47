import { trackingEvents } from '../events.mjs';

/** @type {import('../run.mjs').Question} */
export default {
  title: 'Look at one field, pass the bytes on',
  note: 'A million marked tracking events. The scan looks for `id` in every line and hands it on (the engine with one command more); dedupe finds the id, hashes it and looks it up among the last million.',
  kind: 'rate',
  records: 1_000_000,
  input: (count) => trackingEvents(count, { marked: true }),
  contenders: {
    'buda, the scan': {
      run: '$SCRATCH/engine/bin/buda scan -q',
      before: '[ -d $SCRATCH/engine ] || node $REPO/bench/programs/engine.mjs $SCRATCH/engine',
    },
    'buda, a parse': { run: '$SCRATCH/engine/bin/buda look -q', share: 1 / 2 },
    // What it keeps of a run would tell that the same run came before.
    'buda transform dedupe': { before: 'rm -rf $BUDA_HOME', run: 'buda transform dedupe -q --window 1000000', share: 1 / 2 },
    'jq -c .': { run: 'jq -c .', needs: 'jq', share: 1 / 8 },
    'jq, select by id': { run: `jq -c 'if type == "array" or .id != "" then . else empty end'`, needs: 'jq', share: 1 / 8 },
    'cat (the limit)': { run: 'cat' },
  },
  goals: [{ of: 'buda, the scan', over: 'jq -c .', times: 10 }],
};
