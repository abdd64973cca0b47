import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Intents } from '../../src/lib/objects/intents.ts';
import { temporary } from '../house/bash.ts';
import { Machine } from '../state/support.ts';

const folder = mkdtempSync(join(temporary, 'buda-intents-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const span = (shard: string, source = 's', place = 'p') => ({ place, source, shard });
const intent = (shard: string, from: string | null, ...keys: string[]) => ({ ...span(shard), from, keys });
const begin = (term: number, at: number) => ({ app: 'lake', source: 's', run: `run ${term}`, term, at, from: {} });

test('what is about to be put was left when the next run begins, but not what was committed', async () => {
  const machine = new Machine();
  const path = join(folder, 'kept');
  const first = await Intents.open(path, machine.start(), begin(1, 4));
  expect(first.left(span('A'))).toEqual([]);
  await first.add(5, intent('A', null, 'a'), 4);
  await first.add(6, intent('B', '7', 'b', 'c'), 4);
  await first.add(7, intent('A', '3', 'd'), 4);
  first.close();
  const second = await Intents.open(path, machine.start(), begin(2, 5));
  expect(second.left(span('A'))).toEqual([intent('A', '3', 'd')]);
  expect(second.left(span('B'))).toEqual([intent('B', '7', 'b', 'c')]);
  // Another source, and another place, have their own.
  expect([second.left(span('B', 't')), second.left(span('B', 's', 'q'))]).toEqual([[], []]);
  await second.forget(span('A'));
  await second.add(6, intent('A', '3', 'e'), 5);
  second.close();
  // What was left stays so, whatever number is committed.
  const third = await Intents.open(path, machine.start(), begin(3, 9));
  expect([third.left(span('A')), third.left(span('B'))]).toEqual([[], [intent('B', '7', 'b', 'c')]]);
  third.close();
});

test('a run that fails again and again leaves no more than its first', async () => {
  const path = join(folder, 'again');
  for (let term = 1; term < 9; term++) {
    const intents = await Intents.open(path, new Machine().start(), begin(term, 0));
    await intents.add(1, intent('A', null, 'a', `b${term % 2}`), 0);
    intents.close();
  }
  const last = await Intents.open(path, new Machine().start(), begin(9, 0));
  expect(last.left(span('A'))).toEqual([intent('A', null, 'a', 'b1', 'b0')]);
  last.close();
});

test('a run that an older one comes behind, and a second step of the same run, are refused', async () => {
  const path = join(folder, 'refused');
  const intents = await Intents.open(path, new Machine().start(), begin(2, 0));
  // Whether or not the first has ended.
  await expect(Intents.open(path, new Machine().start(), begin(2, 0))).rejects.toMatchObject({ exit: 78 });
  intents.close();
  await expect(Intents.open(path, new Machine().start(), begin(2, 0))).rejects.toMatchObject({ exit: 78 });
  await expect(Intents.open(path, new Machine().start(), begin(1, 0))).rejects.toMatchObject({ exit: 75 });
});

test('of two that wait the older may have its turn before the newer, never behind it', async () => {
  const path = join(folder, 'waiting');
  const machine = new Machine();
  const first = await Intents.open(path, machine.start(), begin(1, 0));
  const newer = Intents.open(path, machine.start(), begin(3, 0));
  const older = Intents.open(path, machine.start(), begin(2, 0));
  const outcome = older.then(
    (intents) => {
      intents.close();
      return 'had them first';
    },
    (error) => error.exit,
  );
  first.close();
  (await newer).close();
  expect(['had them first', 75]).toContain(await outcome);
  await expect(Intents.open(path, machine.start(), begin(2, 0))).rejects.toMatchObject({ exit: 75 });
});

test('commits that are done are forgotten, and the oldest where nobody says what is done', async () => {
  const path = join(folder, 'forgotten');
  const intents = await Intents.open(path, new Machine().start(), begin(1, 0));
  const count = () => JSON.parse(readFileSync(join(path, 'objects.json'), 'utf8')).put.length;
  for (let commit = 1; commit <= 1020; commit++) await intents.add(commit, intent('', null, 'k'), 0);
  expect(count()).toBe(1000);
  await intents.add(1021, intent('', null, 'last'), 1019);
  expect(count()).toBe(2);
  intents.close();
});

test('a second process waits for the first, and takes over from one that died', async () => {
  const machine = new Machine();
  const host = machine.start();
  const first = await Intents.open(join(folder, 'shared'), host, begin(1, 0));
  await first.add(1, intent('', null, 'a'), 0);
  const waiting = Intents.open(join(folder, 'shared'), machine.start(), begin(2, 0));
  let isOpen = false;
  waiting.then(() => {
    isOpen = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(isOpen).toBe(false);
  machine.kill(host);
  const second = await waiting;
  expect(second.left(span(''))).toEqual([intent('', null, 'a')]);
  second.close();
});

test('a file that is damaged ends it with 65, and says what to do', async () => {
  const path = join(folder, 'damaged');
  const intents = await Intents.open(path, new Machine().start(), begin(1, 0));
  intents.close();
  for (const text of ['{"buda":1,"comm', '{"buda":2,"put":[],"left":[]}', '']) {
    writeFileSync(join(path, 'objects.json'), text);
    await expect(Intents.open(path, new Machine().start(), begin(2, 0))).rejects.toMatchObject({
      exit: 65,
      remedy: expect.stringMatching(/doubled/),
    });
  }
  expect(readFileSync(join(path, 'objects.json'), 'utf8')).toBe('');
});
