import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Checkpoints } from '../../src/lib/checkpoints.ts';
import type { AnyCommand } from '../../src/lib/command.ts';
import { parseWords } from '../../src/lib/commander/parse.ts';
import { formatControl } from '../../src/lib/marks.ts';
import { FolderCheckpoints } from '../../src/lib/state/folder.ts';
import { batchesOf, testCall, testContext, textOf } from '../support/context.ts';

export type Row = Record<string, any>;

export interface Piped {
  checkpoints?: Checkpoints;
  /** Bad lines are kept as dead letters; otherwise the first ends the step. */
  keep?: boolean;
  home?: string;
}

/** `buda NAME WORDS`, fed with pieces of text; its lines and records, its dead letters, and what it said. */
export async function pipe(
  name: string,
  command: AnyCommand,
  words: readonly string[],
  input: readonly (string | Buffer)[],
  how: Piped = {},
) {
  const { checkpoints, keep = false, home } = how;
  const context = testContext({ ...(checkpoints && { openCheckpoints: () => checkpoints }), ...(home && { home }) });
  const parsed = parseWords(name, command, words);
  if (parsed.help) throw new Error('it was asked for help');
  const { call, letters } = testCall(name, parsed.options, context, parsed.args, keep);
  const step = await command.step!(call);
  const text = await textOf(step(batchesOf(input, (reason) => letters.push({ reason } as never))));
  const lines = text.split('\n').filter((line) => line !== '');
  return {
    text,
    lines,
    records: lines.filter((line) => line[0] === '{').map((line) => JSON.parse(line) as Row),
    letters,
    ...context,
  };
}

export function linesOf(records: readonly object[]): string {
  return records.map((record) => `${JSON.stringify(record)}\n`).join('');
}

/** A state store in memory, as far as a stateful step needs one. */
function storeInMemory(commits: () => number, files: () => string): Pick<Checkpoints, 'saved' | 'read'> {
  let deltas: { commit: number; text: string }[] = [];
  let later: typeof deltas = [];
  return {
    read: async () => ({ commits: commits() }) as never,
    saved: () => ({
      files: files(),
      async *load(at) {
        later = [...later, ...deltas].filter(({ commit }) => commit > at);
        deltas = deltas.filter(({ commit }) => commit <= at);
        for (const { text } of deltas) yield* JSON.parse(text) as [string, unknown][];
      },
      async *uncommitted() {
        for (const { commit, text } of later) yield [commit, JSON.parse(text) as [string, unknown][]];
      },
      async save(commit, entries) {
        deltas.push({ commit, text: JSON.stringify(entries) });
      },
    }),
  };
}

/** A state store on disk, where an app has so many commits. */
async function storeOnDisk(commits: number, folder: string): Promise<Checkpoints> {
  const host = { pid: process.pid, platform: 'test', isAlive: () => true };
  const store = new FolderCheckpoints(folder, host, () => new Date(0));
  const tenure = await store.start('billing', 'test:events');
  const { app, source, term, at } = tenure.begin;
  for (let commit = at + 1; commit <= commits; commit++) {
    const [from, to] = [commit === 1 ? undefined : String(commit - 1), String(commit)];
    await store.commit({ app, source, term, commit, shard: '', from, to, sink: 'local:out', counts: [] });
  }
  await tenure.end(0, 0);
  return store;
}

/** An app whose pipe can be killed: what was put out before a kill, but not committed, has been delivered all the same. */
export class App {
  /** How many epochs are committed. */
  commits = 0;
  readonly home = mkdtempSync(join(tmpdir(), 'buda-home-'));
  readonly #name: string;
  readonly #command: AnyCommand;
  readonly #memory = storeInMemory(
    () => this.commits,
    () => join(this.home, 'files'),
  ) as Checkpoints;
  /** Where its state store is on disk. */
  readonly folder: string | undefined;
  #runs = 0;

  /** Its state store is in memory, or on disk. */
  constructor(name: string, command: AnyCommand, isOnDisk = false) {
    this.#name = name;
    this.#command = command;
    this.folder = isOnDisk ? mkdtempSync(join(tmpdir(), 'buda-state-')) : undefined;
  }

  /** Runs the epochs that are not yet committed, of which `commits` are this time; the rest is lost with a kill. */
  async run(words: readonly string[], epochs: readonly string[], commits = epochs.length) {
    const left = epochs.slice(this.commits);
    const store = this.folder === undefined ? this.#memory : await storeOnDisk(this.commits, this.folder);
    const begin = { app: 'billing', source: 'test:events', run: `r${++this.#runs}`, term: 1, at: this.commits, from: {} };
    const marks = left.map((text, i) => {
      const count = text.split('\n').length - 1;
      const mark = { to: String(this.commits + i + 1), c: [['produce test', 0, count, 0] as [string, number, number, number]] };
      return `${text}${formatControl({ kind: 'mark', mark })}\n`;
    });
    const head = `${formatControl({ kind: 'begin', begin })}\n`;
    const tail = `${formatControl({ kind: 'end', end: { exit: 0 } })}\n`;
    const how = { checkpoints: store, home: this.home };
    const ran = await pipe(this.#name, this.#command, words, [head, ...marks, tail], how);
    this.commits += Math.min(commits, left.length);
    return ran;
  }

  /** Runs until all is committed, killed at places that `random` chooses. */
  async runKilled(words: readonly string[], epochs: readonly string[], random: () => number): Promise<Row[]> {
    const records: Row[] = [];
    do {
      const commits = random() < 0.2 ? 0 : 1 + Math.floor(random() * epochs.length);
      records.push(...(await this.run(words, epochs, commits)).records);
    } while (this.commits < epochs.length);
    return records;
  }
}

/** What a table holds that is merged by id, the highest revision; within one the last that came. */
export function merged(records: readonly Row[]): Row[] {
  const rows = new Map<string, Row>();
  for (const record of records) if ((rows.get(record.id)?.revision ?? 0) <= record.revision) rows.set(record.id, record);
  return [...rows.values()].filter(({ op }) => op === 'upsert').sort((a, b) => (a.id < b.id ? -1 : 1));
}

export function withoutRevision(rows: readonly Row[]): Row[] {
  return rows.map(({ revision: _, ...row }) => row);
}
