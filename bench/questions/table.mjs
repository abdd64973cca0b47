import { trackingEvents } from '../events.mjs';

/** @type {import('../run.mjs').Question} */
export default {
  title: 'NDJSON into a DuckDB table',
  note: 'Tracking events into a new table, merged by their id. DuckDB reads the same file by read_json into a table without a key.',
  kind: 'rate',
  records: 500_000,
  input: trackingEvents,
  contenders: {
    'buda put-table': {
      run: 'buda put-table records --to duckdb:$SCRATCH/table.duckdb -q',
      before: 'rm -f $SCRATCH/table.duckdb*',
    },
    read_json: { run: 'node $REPO/bench/programs/read-json.mjs $SCRATCH/plain.duckdb', alone: true },
  },
  goals: [{ of: 'buda put-table', over: 'read_json', times: 0.7 }],
};
