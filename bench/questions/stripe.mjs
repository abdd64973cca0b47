import { stripeEvents } from '../events.mjs';

/** @type {import('../run.mjs').Question} */
export default {
  title: 'Stripe events of 3.2 kB, parse and write',
  note: 'Each event is parsed and given to a function that adds a field, or gives it back as it is; or made flat, without a parse. The peers read it and write it anew.',
  kind: 'rate',
  records: 40_000,
  input: stripeEvents,
  contenders: {
    'buda transform ./change.mjs': { run: 'buda transform $REPO/bench/programs/change.mjs -q' },
    'buda transform ./same.mjs': { run: 'buda transform $REPO/bench/programs/same.mjs -q' },
    'buda transform flatten': { run: 'buda transform flatten -q' },
    'jq -c .': { run: 'jq -c .', needs: 'jq', share: 1 / 4 },
    'gojq -c .': { run: 'gojq -c .', needs: 'gojq', share: 1 / 4 },
    'jaq -c .': { run: 'jaq -c .', needs: 'jaq', share: 1 / 4 },
    ndjson: { run: 'node $REPO/bench/programs/ndjson.mjs', share: 1 / 4 },
    'the bare loop': { run: 'node $REPO/bench/programs/parse.mjs' },
    'cat (the limit)': { run: 'cat' },
  },
  goals: [
    { of: 'buda transform ./change.mjs', over: 'jq -c .', times: 3.8 },
    { of: 'buda transform flatten', over: 'jq -c .', times: 3.8 },
  ],
};
