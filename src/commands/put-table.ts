import { command } from '../lib/command.ts';
import { deliver } from '../lib/delivery.ts';
import { Failure } from '../lib/errors.ts';
import { flag, sinkOptions, size, texts } from '../lib/options.ts';
import { warehouseOption, warehousePath } from '../lib/table/place.ts';
import { TableSink } from '../lib/table/sink.ts';

const mebibyte = 1024 ** 2;

export default command({
  role: 'sink',
  description:
    'Loads records into a table of a DuckDB file; both are made if they are not there. A field is a column, its type taken from every value that came: a new field adds a column, and a value that does not fit widens one, so that no digit is lost. Records are merged by their id: the highest revision wins, and one with op "delete" removes its row. Under an app the checkpoint is written in the transaction of the records, so that a run that was killed repeats nothing in the table.',
  args: [{ name: 'NAME', summary: 'the table' }],
  options: {
    to: warehouseOption,
    key: texts('--key <FIELD>', 'merge by this field; several times for a key of several fields (default id)'),
    append: flag('--append', 'add every record as it is, and merge nothing'),
    memory: size('--memory <SIZE>', 'what DuckDB may hold in memory; the rest it keeps in files', 512 * mebibyte, '512MiB'),
    ...sinkOptions,
  },
  examples: [
    {
      run: 'buda get-stream mrr_movements --app warehouse -e | buda put-table mrr_movements',
      shows: 'what is new in a stream since the last run, e.g. from cron',
    },
    { run: 'buda put-table tracking_events < events.ndjson', shows: 'a file of records that have an id' },
    {
      run: 'buda put-table mrr_months --key month --key currency --to duckdb:months.duckdb < months.ndjson',
      shows: 'records that two fields tell apart, into another file',
    },
  ],
  sections: {
    Columns:
      'Whole numbers become BIGINT (beyond 64 bits HUGEINT), other numbers DOUBLE, days DATE, instants in UTC TIMESTAMP, nested values JSON, anything else VARCHAR. A number that no column of numbers gives back digit by digit is kept as text. A column of a type that buda does not make is left as it is: a value that would not stay what it is in it is refused (65). Changes of columns are kept in the table _buda_meta, checkpoints in _buda_checkpoints, deleted keys and their revisions in _buda_deleted.',
  },
  step(call) {
    const { to, key, append, memory } = call.options;
    if (append && key.length > 0) throw new Failure('usage', '--append merges nothing: it goes without --key');
    const sink = new TableSink(call, {
      path: warehousePath(to, call.context),
      table: call.args[0] ?? '',
      keys: append ? [] : key.length > 0 ? key : ['id'],
      memoryBytes: memory,
      pieceBytes: 256 * mebibyte,
    });
    return deliver(call, sink);
  },
});
