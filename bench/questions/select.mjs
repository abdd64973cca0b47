import { trackingEvents } from '../events.mjs';
import { queries } from '../programs/queries.mjs';

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
const filter = `'select(.type == "plan_changed") | {id, type, user_id, created_at}'`;
const [{ name: first }] = queries;
const fields = ['id', 'type', 'user_id', 'created_at'].map((name) => `"${name}":this.${name}`);
const mapping = `root = if this.type == "plan_changed" {{${fields}}} else {deleted()}`;
const contenders = {};
const goals = [];
for (const { name, sql, jq, options = '', jqOptions = '' } of queries) {
  const [own, theirs] = [`buda: ${name}`, `jq: ${name}`];
  contenders[own] = { run: `buda transform sql -q ${options} ${quoted(sql)}`, share: name === first ? 1 : 0.4 };
  contenders[theirs] = { run: `jq -c ${jqOptions} ${quoted(jq)}`, needs: 'jq', share: 1 / 20 };
  goals.push({ of: own, over: theirs, times: 2.5 });
}

/** @type {import('../run.mjs').Question} */
export default {
  title: 'Select: ten queries',
  note: `Tracking events through \`transform sql\` and jq: filters, projections and counts (bench/programs/queries.mjs has them). The first, one record in ten and four fields of it, by others too.`,
  kind: 'rate',
  records: 1_000_000,
  input: trackingEvents,
  contenders: {
    ...contenders,
    'buda transform ./select.mjs': { run: 'buda transform $REPO/bench/programs/select.mjs -q', share: 0.4 },
    gojq: { run: `gojq -c ${filter}`, needs: 'gojq', share: 1 / 20 },
    jaq: { run: `jaq -c ${filter}`, needs: 'jaq', share: 1 / 20 },
    benthos: { run: `MAPPING=${quoted(mapping)} benthos run $REPO/bench/programs/benthos.yaml`, needs: 'benthos', share: 1 / 20 },
    'grep | jq': { run: `grep -F plan_changed | jq -c ${filter}`, needs: 'jq', share: 0.4 },
    'grep | buda': { run: `grep -F plan_changed | buda transform sql -q ${quoted(queries[0].sql)}`, share: 0.4 },
    duckdb: {
      run: `duckdb -jsonlines -c ${quoted(queries[0].sql.replace('input', "read_json('/dev/stdin', format = 'newline_delimited')"))}`,
      needs: 'duckdb',
      share: 0.4,
    },
  },
  goals: [
    ...goals,
    { of: `buda: ${first}`, over: `jq: ${first}`, times: 6 },
    { of: 'buda transform ./select.mjs', over: `jq: ${first}`, times: 2.5 },
  ],
};
