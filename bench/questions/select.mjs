import { trackingEvents } from '../events.mjs';

const filter = `'select(.type == "plan_changed") | {id, type, user_id, created_at}'`;

/** @type {import('../run.mjs').Question} */
export default {
  title: 'Select 10 %, project four fields',
  note: 'One tracking event in ten, four fields of it.',
  kind: 'rate',
  records: 400_000,
  input: trackingEvents,
  contenders: {
    'buda transform ./select.mjs': { run: 'buda transform $REPO/bench/programs/select.mjs -q' },
    jq: { run: `jq -c ${filter}`, needs: 'jq', share: 1 / 4 },
    gojq: { run: `gojq -c ${filter}`, needs: 'gojq', share: 1 / 4 },
    jaq: { run: `jaq -c ${filter}`, needs: 'jaq', share: 1 / 4 },
    'grep | jq': { run: `grep -F plan_changed | jq -c ${filter}`, needs: 'jq' },
    'grep | buda': { run: 'grep -F plan_changed | buda transform $REPO/bench/programs/select.mjs -q' },
  },
  goals: [{ of: 'buda transform ./select.mjs', over: 'jq', times: 2.5 }],
};
