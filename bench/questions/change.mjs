import { trackingEvents } from '../events.mjs';

/** @type {import('../run.mjs').Question} */
export default {
  title: 'Parse, change a field, write',
  note: 'Tracking events get one field more: by a function of the user’s own, and by the filters. Then what buda does on its own to every record.',
  kind: 'rate',
  records: 400_000,
  input: trackingEvents,
  contenders: {
    'buda transform ./change.mjs': { run: 'buda transform $REPO/bench/programs/change.mjs -q' },
    'buda transform flatten': { run: 'buda transform flatten -q' },
    'buda transform hash': {
      before: '[ -f $SCRATCH/key ] || (umask 077; head -c 32 /dev/urandom >$SCRATCH/key)',
      run: 'buda transform hash -q --field user_id --key-file $SCRATCH/key',
    },
    'buda transform validate': { run: 'buda transform validate -q --schema $REPO/bench/programs/tracking.schema.json' },
    'jq .is_seen = true': { run: "jq -c '.is_seen = true'", needs: 'jq', share: 1 / 4 },
    'gojq .is_seen = true': { run: "gojq -c '.is_seen = true'", needs: 'gojq', share: 1 / 4 },
    'jaq .is_seen = true': { run: "jaq -c '.is_seen = true'", needs: 'jaq', share: 1 / 4 },
    'mlr put': { run: `mlr --ijsonl --ojsonl put '$is_seen = true'`, needs: 'mlr', share: 1 / 4 },
    benthos: {
      run: `MAPPING='root = this.assign({"is_seen":true})' benthos run $REPO/bench/programs/benthos.yaml`,
      needs: 'benthos',
      share: 1 / 4,
    },
    split2: { run: 'node $REPO/bench/programs/split2.mjs change', share: 1 / 4 },
    ndjson: { run: 'node $REPO/bench/programs/ndjson.mjs change', share: 1 / 4 },
    'the bare loop': { run: 'node $REPO/bench/programs/parse.mjs change' },
  },
  goals: [
    { of: 'buda transform ./change.mjs', over: 'jq .is_seen = true', times: 2.8 },
    { of: 'buda transform flatten', over: 'jq .is_seen = true', times: 2.8 },
    { of: 'buda transform hash', over: 'jq .is_seen = true', times: 2.8 },
    { of: 'buda transform validate', over: 'jq .is_seen = true', times: 2.8 },
  ],
};
