import { command } from '../../lib/command.ts';
import { Failure } from '../../lib/errors.ts';
import { count, readingOptions, size, text } from '../../lib/options.ts';
import { parseColumns } from '../../lib/sql/columns.ts';
import { select } from '../../lib/sql/step.ts';
import { parseTable } from '../../lib/sql/tables.ts';

export default command({
  role: 'transform',
  description:
    "Asks each epoch in SQL, as DuckDB speaks it. The epoch's records are the table input: a column for each top-level field, and record, the whole record as JSON. Each row of the answer is a record; SELECT record hands records on byte for byte, and a column that is selected as it is comes out as it was written. Without marks a table is made of every 8 MiB of records.",
  args: [{ name: 'SELECT', summary: 'the query, one SELECT from the table input' }],
  options: {
    columns: text(
      '--columns <LIST>',
      "the types of these fields, as 'id VARCHAR, amount DECIMAL(18,2)': a record that does not fit is rejected",
    ),
    table: {
      ...text('--table <NAME=FILE>', 'a further table, of a file (csv, tsv, ndjson, json, parquet); may be given several times'),
      fallback: [],
      many: true,
      parse: (value: string) => [parseTable(value)],
    },
    block: count('--block <N>', 'without marks: how many records make a table (default: as many as 8MiB hold)', undefined, 1),
    memory: size('--memory <SIZE>', 'what DuckDB may hold in memory; the rest it keeps in files', 128 * 1024 ** 2, '128MiB'),
    ...readingOptions,
  },
  examples: [
    {
      run: `buda transform sql "SELECT record FROM input WHERE type = 'page_viewed' AND user_id <> 'u_1'" < events.ndjson`,
      shows: 'some of the records, byte for byte',
    },
    {
      run: `buda get-stream tracking_events --app counts -e | buda transform sql 'SELECT type, count(*) AS n, min(created_at) AS first_at FROM input GROUP BY type ORDER BY type' | buda put-stream counts`,
      shows: 'counts by type, a record for each type and epoch',
    },
    {
      run: `buda transform sql "SELECT id, properties.path->>'$' AS path, created_at::TIMESTAMP::DATE AS day FROM input" < events.ndjson`,
      shows: 'other columns, out of nested fields too',
    },
    {
      run: `printf 'type,is_paid\\npage_viewed,false\\n' > types.csv; buda transform sql --table types=types.csv 'SELECT input.id, is_paid FROM input JOIN types USING (type)' < events.ndjson`,
      shows: 'a second table, of a file',
    },
  ],
  sections: {
    COLUMNS:
      "The table input has a column for each top-level field that the query names; one that no record has is NULL, and that is told at the end. Names are told apart by case where fields are looked for, and are one where the query names them twice; a name that the query itself gives (AS) is that, where no table has it. Strings are VARCHAR, never dates or numbers: created_at::TIMESTAMP makes one. Whole numbers are BIGINT, or HUGEINT; numbers with a point make a DOUBLE of all, in which whole numbers beyond 2^53 lose digits (DECIMAL(38,2) does not); true and false BOOLEAN; objects and arrays JSON: properties.path is JSON, properties->>'path' its text. Where a field has strings beside anything else, all of it is VARCHAR. This is found out anew for each table, so the types of one epoch say nothing of the next: where a query needs a type, --columns fixes it: BOOLEAN, TINYINT to HUGEINT, UTINYINT to UHUGEINT, DOUBLE, DECIMAL(p,s), VARCHAR, DATE, TIMESTAMP (RFC 3339, kept in UTC) or JSON; nothing is rounded or cut to fit.",
    'THE RECORD':
      "record is the whole record as JSON: record->>'id'. It hides a field of that name, which is record->'record'. It is not part of *, which is all fields of the table's records, in the order of their first appearance. With *, fields that differ in case alone cannot be in one table: a record that brings the second is rejected. Where a name comes twice in a record, the last counts.",
    ANSWERS:
      'Each row of the answer is a record, in the order of the input unless the query has an ORDER BY. A column that is selected as it is comes out as it was written, digit by digit; not where rows are grouped or made DISTINCT, since equal values may be written in many ways. What is computed is written as buda-query(1) does: numbers with all their digits, instants as RFC 3339 in UTC, NaN and Infinity as text. DuckDB works in one thread, so that the same records give the same answer.',
    'EPOCHS AND BLOCKS':
      'Under marks each epoch is one table, and its answer comes before its mark. Without marks a table is as many records as 8 MiB hold, or --block N of them; the cuts are made by the records, so that the same input gives the same answer. Counts are those of a table: a number greater than the input makes the whole input one. A table lies in a temporary file in $BUDA_HOME/spool, as far as the query needs it, and DuckDB keeps to --memory. An epoch without records has no answer, but is marked. A query that needs no DuckDB, compares no numbers and looks into no field is answered record by record, without waiting for the table.',
    'WHAT IS REFUSED':
      'One SELECT, which DuckDB has to accept before any record is read; it cannot write, reach the network or read any file: those of --table are loaded before. In a join, a column that both a table and the records have needs its table: input.id. A value that the query cannot convert ends the step (65): TRY_CAST(x AS INT) gives NULL instead. Only a record that is no JSON, that does not fit --columns or whose text is no text (half a surrogate pair, in a field that the query looks into) is rejected alone.',
    'WITHOUT DUCKDB':
      "SELECT of fields (or of record alone) from input WHERE fields compare with literals (=, <>, <, >, <=, >=, IN, LIKE, IS NULL, joined by AND) is answered by reading the records' bytes, as DuckDB would, and DuckDB is not even started. Nested fields may be among them: properties.n and properties->>'n' AS n are columns, (properties->>'n') and (properties->>'n')::INT (or BIGINT, DOUBLE) compare, in these brackets. A table in which a value is not of the literal's kind, a column from inside a field is an object or an array, or the field itself is anything but an object is left to DuckDB.",
  },
  async step(call) {
    const { columns, table, block, memory } = call.options;
    const [sql = ''] = call.args;
    if (sql.trim() === '') throw new Failure('usage', 'there is no SQL', "give the query: 'SELECT record FROM input WHERE …'");
    const selection = { sql, fixed: parseColumns(columns ?? ''), tables: table, memoryBytes: memory };
    if (block !== undefined) return select(call, selection, { records: block, bytes: Number.POSITIVE_INFINITY });
    return select(call, selection, { records: Number.POSITIVE_INFINITY, bytes: 8 * 1024 ** 2 });
  },
});
