import type { Epoch } from '../delivery.ts';
import type { Database } from '../duckdb/database.ts';
import { Failure } from '../errors.ts';
import type { Begin } from '../marks.ts';
import type { ColumnChange } from './columns.ts';

/** How many epochs a table may be ahead of its app: with `--forward` a later step commits, and several epochs can be on their way to it. */
const keptEpochs = 1000;

/** Makes the tables in which the warehouse keeps its own account. */
export async function makeBookkeeping(database: Database): Promise<void> {
  await database.run(`
    create table if not exists _buda_checkpoints (table_name varchar, app varchar, source varchar, shard varchar, "from" varchar, "to" varchar, commit bigint, term bigint, label varchar, committed_at timestamp);
    create table if not exists _buda_terms (table_name varchar, app varchar, term bigint);
    create table if not exists _buda_deleted (table_name varchar, key varchar, revision hugeint);
    create table if not exists _buda_meta (number bigint, table_name varchar, column_name varchar, change varchar, from_type varchar, to_type varchar, is_open boolean, app varchar, commit bigint, changed_at timestamp)`);
}

/** What the warehouse remembers of an epoch that it has. */
export interface Kept {
  from: string | null;
  to: string;
  commit: bigint;
  term: bigint;
  label: string;
}

/**
 * Whether the table has just this epoch from a run that died before the app knew of it. One that the app has gone back to, because a checkpoint was
 * moved or the app was forgotten, has another number or an earlier term: its records may be others.
 */
export function isRepeat(kept: Kept | undefined, { begin, mark, commit }: Epoch): boolean {
  return kept?.to === mark.to && kept.commit === BigInt(commit) && kept.term < BigInt(begin.term);
}

/**
 * Compares where the table stands with where the app does, and writes the new term down, so that a run before this one can no longer
 * commit. Per shard the table may be where the app is, or ahead of it by whole epochs, which come again. Anything else: 65.
 */
export async function beginIn(database: Database, table: string, begin: Begin): Promise<void> {
  const { app, source, term } = begin;
  const known = await termOf(database, table, app);
  if (known !== undefined && known > BigInt(term)) throw newerRun(app, known, term);
  const rows = await database.rows(
    'select shard, "from", "to" from _buda_checkpoints where table_name = $1 and app = $2 and source = $3 order by commit',
    [table, app, source],
  );
  const last = new Map(rows.map(({ shard, to }) => [String(shard), String(to)]));
  for (const [shard, to] of last) {
    const from = begin.from[shard];
    if (from === to || rows.some((row) => row.shard === shard && row.from === (from ?? null))) continue;
    throw apart(table, begin, shard, to, from);
  }
  for (const [shard, from] of Object.entries(begin.from)) {
    if (begin.at > 0 && !last.has(shard)) throw apart(table, begin, shard, undefined, from);
  }
  if (known === undefined) await database.run('insert into _buda_terms values ($1, $2, $3)', [table, app, BigInt(term)]);
  else await database.run('update _buda_terms set term = $3 where table_name = $1 and app = $2', [table, app, BigInt(term)]);
}

/** Refuses the commit of a run that is no longer the newest (75). */
export async function checkTerm(database: Database, table: string, { app, term }: Begin): Promise<void> {
  const known = await termOf(database, table, app);
  if (known === undefined || known !== BigInt(term)) throw newerRun(app, known ?? 0n, term);
}

/** The epochs that the table has from this one's `from` on: they come again, cut as they were or otherwise. */
export async function replayed(database: Database, table: string, { begin, shard, from }: Epoch): Promise<Kept[]> {
  const rows = (await database.rows(
    'select "from", "to", commit, term, label from _buda_checkpoints where table_name = $1 and app = $2 and source = $3 and shard = $4 order by commit',
    [table, begin.app, begin.source, shard],
  )) as unknown as Kept[];
  const first = rows.findIndex((row) => row.from === (from ?? null));
  return first < 0 ? [] : rows.slice(first);
}

/** Writes the checkpoint of an epoch, in the transaction of its records; those that it replaces are forgotten. */
export async function writeCheckpoint(
  database: Database,
  table: string,
  epoch: Epoch,
  label: string,
  replaced: readonly Kept[],
): Promise<void> {
  const { begin, mark, commit, shard, from } = epoch;
  const place = [table, begin.app, begin.source, shard];
  const first = replaced[0];
  const where = 'table_name = $1 and app = $2 and source = $3 and shard = $4';
  if (first !== undefined)
    await database.run(`delete from _buda_checkpoints where ${where} and commit >= $5`, [...place, first.commit]);
  await database.run(`insert into _buda_checkpoints values ($1, $2, $3, $4, $5, $6, $7, $8, $9, now()::timestamp)`, [
    ...place,
    from ?? null,
    mark.to,
    BigInt(commit),
    BigInt(begin.term),
    label,
  ]);
  if (commit % 100 === 0) {
    await database.run(`delete from _buda_checkpoints where ${where} and commit < $5`, [...place, BigInt(commit - keptEpochs)]);
  }
}

/** Keeps which columns were added or widened, and by which commit. */
export async function writeChanges(
  database: Database,
  table: string,
  changes: readonly ColumnChange[],
  epoch: Epoch | undefined,
): Promise<void> {
  for (const { column, change, from, to, isOpen } of changes) {
    await database.run(
      `insert into _buda_meta select (select coalesce(max(number), 0) + 1 from _buda_meta), $1, $2, $3, $4, $5, ${isOpen}, $6, $7, now()::timestamp`,
      [table, column, change, from, to, epoch?.begin.app ?? null, epoch === undefined ? null : BigInt(epoch.commit)],
    );
  }
}

async function termOf(database: Database, table: string, app: string): Promise<bigint | undefined> {
  const [row] = await database.rows('select max(term) as term from _buda_terms where table_name = $1 and app = $2', [table, app]);
  return (row?.term as bigint | null) ?? undefined;
}

function newerRun(app: string, known: bigint, term: number): Failure {
  return new Failure(
    'incomplete',
    `app ${app}: a newer run has begun (the table knows term ${known}, this one is ${term})`,
    'leave the work to it; if the app was forgotten since (buda state remove), load under another --app',
  );
}

function apart(
  table: string,
  { app, source }: Begin,
  shard: string,
  stored: string | undefined,
  from: string | undefined,
): Failure {
  const where = shard === '' ? '' : ` in shard ${shard}`;
  return new Failure(
    'badData',
    `the table ${table} ${stored === undefined ? `has nothing of app ${app}` : `stands at ${stored}`}${where}, the pipe begins at ${from ?? 'the beginning'}: records would be missing or come again`,
    stored === undefined
      ? 'bring the warehouse back that the app wrote, or load the table anew under another --app'
      : `to go on behind what the table has: buda state set ${app} ${stored} --source ${source}${shard === '' ? '' : ` --shard ${shard}`}; to load it anew: another table and another --app`,
  );
}
