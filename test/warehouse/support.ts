import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import putTable from '../../src/commands/put-table.ts';
import query from '../../src/commands/query.ts';
import type { Checkpoints, Tenure } from '../../src/lib/checkpoints.ts';
import { formatControl } from '../../src/lib/marks.ts';
import { checkProtocol } from '../../src/lib/protocol.ts';
import { FolderCheckpoints } from '../../src/lib/state/folder.ts';
import { batchesOf, testCall, testContext, textOf } from '../support/context.ts';

const homes: string[] = [];
afterAll(() => {
  for (const home of homes.splice(0)) rmSync(home, { recursive: true, force: true });
});

export function newHome(): string {
  const home = mkdtempSync(join(tmpdir(), 'buda-warehouse-'));
  homes.push(home);
  return home;
}

const defaults = { key: [], append: false, memory: 256 * 1024 ** 2, maxLine: 16 * 1024 ** 2 };

/** Runs `put-table TABLE` over lines or pieces of the wire; gives the reasons of the lines that went to the dead letter. */
export async function put(
  home: string,
  table: string,
  input: readonly (string | object)[],
  options: Record<string, unknown> = {},
) {
  const { keep, checkpoints, ...given } = options as { keep?: boolean; checkpoints?: Checkpoints };
  const context = testContext({ home, openCheckpoints: () => checkpoints ?? storeOf(home) });
  const { call, letters } = testCall('put-table', { ...defaults, ...given }, context, [table], keep === true);
  const pieces = input.map((line) => (typeof line === 'string' ? line : `${JSON.stringify(line)}\n`));
  const step = await putTable.step?.(call as never);
  if (step === undefined) throw new Error('put-table has no step');
  const out = await textOf(step(checkProtocol(batchesOf(pieces, (reason) => letters.push({ reason } as never)))));
  return { out, reasons: letters.map(({ reason }) => reason), context };
}

/** Runs `query SQL` and gives its lines. */
export async function linesOf(home: string, sql: string, options: Record<string, unknown> = {}): Promise<string[]> {
  const context = testContext({ home });
  const { call } = testCall('query', { memory: 256 * 1024 ** 2, write: false, ...options }, context, [sql]);
  await query.run?.(call as never);
  return Buffer.concat(context.written).toString().split('\n').slice(0, -1);
}

export async function rowsOf(home: string, sql: string): Promise<any[]> {
  return (await linesOf(home, sql)).map((line) => JSON.parse(line));
}

export function storeOf(home: string): FolderCheckpoints {
  const host = { pid: process.pid, platform: process.platform, isAlive: () => true };
  return new FolderCheckpoints(join(home, 'state'), host, () => new Date());
}

/** A store whose n-th commit does not come to pass, as if the process had been killed before it. */
export function dyingAt(home: string, n: number): Checkpoints {
  const store = storeOf(home);
  let commits = 0;
  return new Proxy(store, {
    get(target, name) {
      const value = Reflect.get(target, name);
      if (name === 'commit')
        return async (commit: never) => {
          if (++commits === n) throw new Error('killed');
          return target.commit(commit);
        };
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/**
 * A source that numbers its records: one run under an app, from its checkpoint to the end, an epoch every `epoch` records. `cuts` gives the
 * wire of it.
 */
export async function wireOf(
  home: string,
  app: string,
  records: readonly object[],
  epoch: number,
): Promise<{ wire: string[]; tenure: Tenure }> {
  const tenure = await storeOf(home).start(app, 'test:numbers');
  const wire = [`${formatControl({ kind: 'begin', begin: tenure.begin })}\n`];
  let count = 0;
  let at = Number(tenure.begin.from[''] ?? 0);
  for (; at < records.length; ) {
    wire.push(`${JSON.stringify(records[at++])}\n`);
    count++;
    if (count === epoch || at === records.length) {
      wire.push(`${formatControl({ kind: 'mark', mark: { to: String(at), c: [['test', 0, count, 0]] } })}\n`);
      count = 0;
    }
  }
  wire.push(`${formatControl({ kind: 'end', end: { exit: 0 } })}\n`);
  return { wire, tenure };
}

/** One run of the pipe `numbers | put-table TABLE` under an app. */
export async function runPipe(
  home: string,
  table: string,
  records: readonly object[],
  { app = 'a', epoch = 10, ...options }: { app?: string; epoch?: number } & Record<string, unknown> = {},
) {
  const { wire, tenure } = await wireOf(home, app, records, epoch);
  try {
    return await put(home, table, wire, options);
  } finally {
    await tenure.end(0, 0);
  }
}
