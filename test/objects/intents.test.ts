import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Intents } from '../../src/lib/objects/intents.ts';
import { temporary } from '../house/bash.ts';
import { Machine } from '../state/support.ts';

const folder = mkdtempSync(join(temporary, 'buda-intents-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const intent = (shard: string, from: string | null, ...keys: string[]) => ({ shard, from, keys });

test('what is about to be put was left when the next run begins, but not what was committed', async () => {
  const machine = new Machine();
  const first = await Intents.open(join(folder, 'kept'), machine.start());
  await first.begin(4);
  expect(first.left('A')).toEqual([]);
  await first.add(5, intent('A', null, 'a'), 4);
  await first.add(6, intent('B', '7', 'b', 'c'), 4);
  await first.add(7, intent('A', '3', 'd'), 4);
  first.close();
  const second = await Intents.open(join(folder, 'kept'), machine.start());
  await second.begin(5);
  expect(second.left('A')).toEqual([intent('A', '3', 'd')]);
  expect(second.left('B')).toEqual([intent('B', '7', 'b', 'c')]);
  await second.forget('A');
  await second.add(6, intent('A', '3', 'e'), 5);
  second.close();
  // What was left stays so, whatever number is committed.
  const third = await Intents.open(join(folder, 'kept'), machine.start());
  await third.begin(9);
  expect([third.left('A'), third.left('B')]).toEqual([[], [intent('B', '7', 'b', 'c')]]);
  third.close();
});

test('commits that are done are forgotten, and the oldest where nobody says what is done', async () => {
  const path = join(folder, 'forgotten');
  const intents = await Intents.open(path, new Machine().start());
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
  const first = await Intents.open(join(folder, 'shared'), host);
  await first.add(1, intent('', null, 'a'), 0);
  const waiting = Intents.open(join(folder, 'shared'), machine.start());
  let isOpen = false;
  waiting.then(() => {
    isOpen = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(isOpen).toBe(false);
  machine.kill(host);
  const second = await waiting;
  await second.begin(0);
  expect(second.left('')).toEqual([intent('', null, 'a')]);
  second.close();
});

test('a file that is damaged ends it with 65, and says what to do', async () => {
  const path = join(folder, 'damaged');
  const intents = await Intents.open(path, new Machine().start());
  await intents.add(1, intent('', null, 'a'), 0);
  intents.close();
  for (const text of ['{"buda":1,"comm', '{"buda":2,"put":[],"left":[]}', '']) {
    writeFileSync(join(path, 'objects.json'), text);
    await expect(Intents.open(path, new Machine().start())).rejects.toMatchObject({
      exit: 65,
      remedy: expect.stringMatching(/doubled/),
    });
  }
  expect(readFileSync(join(path, 'objects.json'), 'utf8')).toBe('');
});
