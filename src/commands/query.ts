import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from '../lib/command.ts';
import type { Context } from '../lib/context.ts';
import { failureOfStatement, withDatabase } from '../lib/duckdb/database.ts';
import { explain, Failure } from '../lib/errors.ts';
import { choice, flag, size, text } from '../lib/options.ts';
import { warehouseOption, warehousePath } from '../lib/table/place.ts';
import { printLines, printTable } from '../lib/table/print.ts';

export default command({
  role: 'tool',
  description:
    'Asks the warehouse in SQL, as DuckDB speaks it. Rows are written as lines of JSON while they are found: numbers with all their digits, instants as RFC 3339 in UTC. A terminal is shown a table instead. The SQL is the argument, a file, or stdin; several statements are run in turn. The warehouse is only read, unless --write is given; while a loader holds it, the query waits.',
  args: [{ name: 'SQL', summary: 'the query; without one it is read from --file, or from stdin', optional: true }],
  options: {
    to: warehouseOption,
    file: text('--file <FILE>', 'read the SQL from this file'),
    format: choice('--format <FORMAT>', 'lines of JSON, or a table for people (default: a table where stdout is a terminal)', [
      'ndjson',
      'table',
    ]),
    write: flag('--write', 'let the SQL change the warehouse too'),
    memory: size('--memory <SIZE>', 'what DuckDB may hold in memory; the rest it keeps in files', 512 * 1024 ** 2, '512MiB'),
  },
  examples: [
    {
      run: `buda query 'select type, count(*) as movements, sum(amount) as amount from mrr_movements group by all order by all'`,
      shows: 'the movements by type',
    },
    {
      run: `buda query "select strftime(to_timestamp(occurred_at), '%Y-%m') as month, currency, sum(amount)::bigint as mrr from mrr_movements group by all order by all" | buda chart --x month --y mrr --series currency`,
      shows: 'a picture of what a query finds',
    },
    {
      run: 'echo "select table_name, estimated_size from duckdb_tables()" | buda query --format table',
      shows: 'the SQL from stdin: which tables there are',
    },
  ],
  async run({ args, options, context }) {
    const sql = await readSql(args[0], options.file, context);
    const isTable = options.format === 'table' || (options.format === undefined && context.stdout.isTerminal);
    const print = isTable ? printTable : printLines;
    const place = {
      path: warehousePath(options.to, context),
      isReadOnly: !options.write,
      memoryBytes: options.memory,
      temporary: join(context.home, 'spool'),
    };
    await withDatabase(place, async (database) => {
      for await (const rows of database.query(sql)) await print(rows, context.stdout);
    }).catch((error) => {
      throw failureOfStatement(error);
    });
  },
});

async function readSql(argument: string | undefined, file: string | undefined, { stdin, say }: Context): Promise<string> {
  if (argument !== undefined && file !== undefined)
    throw new Failure('usage', 'the SQL is given twice', 'give either the argument or --file');
  if (file !== undefined) {
    return readFile(file, 'utf8').catch((error: unknown) => {
      throw new Failure('misconfigured', `--file: ${explain(error)}`, undefined, error);
    });
  }
  if (argument !== undefined && argument !== '-') return argument;
  if (stdin.isTerminal) say('reading the SQL from the terminal; Ctrl-D ends it');
  const chunks: Buffer[] = [];
  for await (const chunk of stdin.chunks()) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
