import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, describe, expect, it } from 'vitest';

const buda = resolve(import.meta.dirname, '../../bin/buda');
const folder = mkdtempSync(join(tmpdir(), 'buda-sandbox-'));
const running: ChildProcess[] = [];
afterAll(() => running.forEach((child) => child.kill('SIGKILL')));

function start(...words: string[]) {
  const child = spawn(process.execPath, [buda, 'sandbox', 'stripe', '--customers', '30', '--months', '3', ...words], {
    cwd: folder,
  });
  running.push(child);
  const said: Buffer[] = [];
  child.stderr.on('data', (chunk) => said.push(chunk));
  return { child, stdout: createInterface(child.stdout), stderr: () => Buffer.concat(said).toString() };
}

async function end(words: string[]): Promise<{ code: number; stderr: string }> {
  const { child, stdout, stderr } = start(...words);
  stdout.resume();
  const [code] = await once(child, 'close');
  return { code, stderr: stderr() };
}

describe('buda sandbox stripe', () => {
  it('says on stdout where it listens, serves, and ends well at the first signal', async () => {
    const { child, stdout, stderr } = start();
    const [line] = await once(stdout, 'line');
    const { api_base, api_key, restricted_key, now } = JSON.parse(line);
    expect(api_base).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect([api_key, restricted_key, now]).toEqual([
      expect.stringMatching(/^sk_test_/),
      expect.stringMatching(/^rk_test_/),
      '2026-11-01T00:00:00Z',
    ]);
    const answer = await fetch(`${api_base}/v1/events`, { headers: { Authorization: `Bearer ${api_key}` } });
    expect(Date.parse(answer.headers.get('date')!)).toBeLessThan(Date.parse('2026-11-01T00:01:00Z'));
    // With a connection that is still open.
    child.kill('SIGTERM');
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(stderr()).toContain(`\nexport STRIPE_API_BASE=${api_base} STRIPE_API_KEY=${api_key}\n`);
  });

  it('writes archive and truth whole, for their owner only, and exits under --no-serve', async () => {
    expect(await end(['--no-serve', '--events', 'archive.ndjson', '--truth', 'truth.ndjson'])).toEqual({ code: 0, stderr: '' });
    expect(readdirSync(folder).sort()).toEqual(['archive.ndjson', 'truth.ndjson']);
    for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
    const archive = readFileSync(join(folder, 'archive.ndjson'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(archive.every(({ object }) => object === 'event')).toBe(true);
    expect(readFileSync(join(folder, 'truth.ndjson'), 'utf8')).toMatch(
      /^\{"month":"20\d\d-\d\d","currency":"[a-z]{3}","closing":\d+\}\n/,
    );
  });

  it('refuses what makes no sense, and a port that is taken', async () => {
    expect((await end(['--now', 'tomorrow'])).code).toBe(2);
    expect((await end(['--fail', '1.5'])).code).toBe(2);
    expect((await end(['--events', '-', '--truth', '-'])).code).toBe(2);
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as { port: number };
    expect(await end(['--port', String(port)])).toEqual({ code: 1, stderr: expect.stringContaining(`port ${port} is taken`) });
    taken.close();
  });
});
