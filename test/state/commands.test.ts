import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import list from '../../src/commands/state/list.ts';
import remove from '../../src/commands/state/remove.ts';
import set from '../../src/commands/state/set.ts';
import show from '../../src/commands/state/show.ts';
import type { AnyCommand } from '../../src/lib/command.ts';
import { openCheckpoints } from '../../src/lib/state/open.ts';
import { testCall, testContext } from '../support/context.ts';
import { clock, commitOf, Machine, newFolder, storeIn } from './support.ts';

let folder: string;
beforeEach(async () => {
  folder = newFolder();
  const store = storeIn(folder);
  for (const [app, source] of [
    ['billing', 'stripe:events'],
    ['billing', 'dump'],
    ['warehouse', 'local:mrr'],
  ] as const) {
    const tenure = await store.start(app, source);
    await store.commit(commitOf(tenure, 1, undefined, `${source}-1`, { sink: `sink of ${app}` }));
    await tenure.end(1, 0);
  }
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What a command writes to stdout and says on stderr. */
async function run(command: AnyCommand, args: string[], options: Record<string, unknown> = {}, lines: string[] = []) {
  const world = { home: '/nowhere', host: new Machine().start(), now: clock() };
  const context = testContext({ openCheckpoints: (url) => openCheckpoints(url, world) });
  const { call } = testCall('state', { state: `file:${folder}`, ...options }, context, args);
  try {
    await command.run?.(call);
  } finally {
    lines.push(...Buffer.concat(context.written).toString().split('\n').slice(0, -1));
  }
  return { out: Buffer.concat(context.written).toString(), said: context.said };
}

test('state list writes a line for each app, and which of them run', async () => {
  const tenure = await storeIn(folder).start('warehouse', 'local:mrr');
  const { out } = await run(list, []);
  expect(
    out
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line)),
  ).toEqual([
    {
      app: 'billing',
      term: 2,
      commits: 2,
      sink: 'sink of billing',
      sources: ['stripe:events', 'dump'],
      updated_at: expect.any(String),
      running: false,
    },
    {
      app: 'warehouse',
      term: 2,
      commits: 1,
      sink: 'sink of warehouse',
      sources: ['local:mrr'],
      updated_at: expect.any(String),
      running: true,
    },
  ]);
  await tenure.end(0, 0);
});

test('state list writes what can be read, and then refuses the rest by name', async () => {
  for (const app of ['broken', 'cut']) writeFileSync(join(folder, `${app}.json`), '{"buda":1,');
  const lines: string[] = [];
  const failure = await run(list, [], {}, lines).catch((error) => error);
  expect(lines.map((line) => JSON.parse(line).app)).toEqual(['billing', 'warehouse']);
  expect(failure).toMatchObject({
    exit: 65,
    message: expect.stringContaining('broken.json'),
    remedy: expect.stringContaining('state remove broken'),
  });
});

test('state show writes the document', async () => {
  const { out } = await run(show, ['billing']);
  expect(JSON.parse(out)).toEqual(await storeIn(folder).read('billing'));
  expect(out).toContain('\n  "commits": 2,\n');
});

describe('state set', () => {
  test('moves a checkpoint and says from where to where', async () => {
    expect(await run(set, ['billing', 'new'], { source: 'dump' })).toEqual({ out: '', said: ['dump: dump-1 → new'] });
    expect(await run(set, ['warehouse', 'new'])).toEqual({ out: '', said: ['local:mrr: local:mrr-1 → new'] });
    const document = await storeIn(folder).read('billing');
    expect(document?.sources.dump?.checkpoints).toEqual({ '': 'new' });
    expect(document?.sources['stripe:events']?.checkpoints).toEqual({ '': 'stripe:events-1' });
  });

  test.each([
    ['no source where there are several', ['billing', 'new'], {}, 2],
    ['an empty position', ['billing', ''], { source: 'dump' }, 2],
    ['a source that is not there', ['billing', 'new'], { source: 'x' }, 78],
  ])('refuses %s', async (_, args, options, exit) => {
    const before = await storeIn(folder).read('billing');
    await expect(run(set, args, options)).rejects.toMatchObject({ exit });
    expect(await storeIn(folder).read('billing')).toEqual(before);
  });
});

test('state remove forgets one app', async () => {
  expect((await run(remove, ['billing'])).said).toEqual(['forgot app billing']);
  expect((await storeIn(folder).list()).map(({ app }) => app)).toEqual(['warehouse']);
});

test.each([
  [show, ['other']],
  [set, ['other', 'new']],
  [remove, ['other']],
] as [AnyCommand, string[]][])('an app that is not there is 78', async (command, args) => {
  await expect(run(command, args)).rejects.toMatchObject({
    exit: 78,
    message: 'there is no app other',
    remedy: 'see: buda state list',
  });
});

test('what runs is neither moved nor removed (75)', async () => {
  await storeIn(folder).start('billing', 'dump');
  await expect(run(set, ['billing', 'new'], { source: 'dump' })).rejects.toMatchObject({ exit: 75 });
  await expect(run(remove, ['billing'])).rejects.toMatchObject({ exit: 75 });
});
