// DuckDB's own reader: a table out of the lines of stdin, which are a file. The argument is the database.
import { rmSync } from 'node:fs';
import { DuckDBInstance } from '@duckdb/node-api';

const [database] = process.argv.slice(2);
rmSync(database, { force: true });
const instance = await DuckDBInstance.create(database);
const connection = await instance.connect();
await connection.run(`create table records as select * from read_json('${process.env.INPUT}', format = 'newline_delimited')`);
connection.closeSync();
