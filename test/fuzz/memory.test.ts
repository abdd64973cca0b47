import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { tryLines } from './run.ts';

/** A little of what bench/memory.md measures with gigabytes: a step that keeps what has gone through it shows here already. */

const folder = mkdtempSync(join(tmpdir(), 'buda-memory-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const megabytes = 150;
const line = `{"id":"evt_1","object":"event","type":"customer.updated","data":{"object":{"id":"cus_1","note":"${'x'.repeat(2000)}"}}}\n`;
const block = Buffer.from(line.repeat(Math.ceil(1e6 / line.length)));

test.each([
  ['produce stripe --from', ['produce', 'stripe', '--from', '-', '--app', 'memory', '-q']],
  ['transform flatten', ['transform', 'flatten', '-q']],
])(`%s holds no more of ${megabytes} MB than of a few`, { timeout: 120_000 }, async (_, words) => {
  let lines = 0;
  function* blocks() {
    for (let i = 0; i < megabytes; i++) yield block;
  }
  const onLine = () => void lines++;
  const { exit, said, peakBytes } = await tryLines({ words, folder, blocks: blocks(), onLine }, megabytes);
  expect(exit, said).toBe(0);
  expect(lines).toBe(megabytes * Math.ceil(1e6 / line.length));
  if (peakBytes !== undefined) expect(peakBytes).toBeLessThan(150e6);
});
