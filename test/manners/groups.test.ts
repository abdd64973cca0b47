import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { AppState } from '../../src/lib/checkpoints.ts';
import { bash, environmentIn, temporary } from '../house/bash.ts';

/** A whole pipe that is told to stop, as a terminal and systemd do it: every process of the group gets the signal. */

const folder = mkdtempSync(join(temporary, 'buda-groups-'));
const env = environmentIn(folder);
const records = 300;

vi.setConfig({ maxConcurrency: 2 });

beforeAll(async () => {
  mkdirSync(join(folder, 'home'), { mode: 0o700 });
  const lines = Array.from({ length: records }, (_, n) => `{"id":"e_${n}"}\n`).join('');
  const { exit, stderr } = await bash('buda put-stream -q numbers', { cwd: folder, env, input: Buffer.from(lines) });
  expect(exit, stderr).toBe(0);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function commitsOf(app: string): number {
  try {
    return (JSON.parse(readFileSync(join(folder, `home/state/${app}.json`), 'utf8')) as AppState).commits;
  } catch {
    return 0;
  }
}

// The child takes its time, so that the signal finds one at work.
const slow = `each -q -j 2 -- sh -c "cat; sleep 0.05"`;
const shapes: Record<string, (app: string) => string> = {
  'a shell’s pipe': (app) =>
    `buda get-stream numbers -q --epoch 10 --app ${app} | buda ${slow} | buda put-stream -q ${app} --app ${app}`,
  'buda run': (app) => `buda run -q 'get-stream numbers --epoch 10 --app ${app} | ${slow} | put-stream ${app} --app ${app}'`,
};

describe.concurrent('the first signal to the group', () => {
  for (const [name, pipe] of Object.entries(shapes)) {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      test(`${signal} to ${name}: all end with 0, what has left is committed, and the next run goes on`, async () => {
        const app = `${signal}-${name.replace(/[^a-z]/g, '')}`;
        const script = `trap : TERM INT\n${pipe(app)}\necho "\${PIPESTATUS[@]}"`;
        const child = spawn('bash', ['-c', script], { cwd: folder, env, detached: true });
        let out = '';
        let said = '';
        child.stdout.on('data', (chunk) => void (out += chunk));
        child.stderr.on('data', (chunk) => void (said += chunk));
        const ended = new Promise((resolve) => child.once('close', resolve));
        while (commitsOf(app) < 2 && child.exitCode === null) await sleep(10);
        process.kill(-(child.pid as number), signal);
        await ended;
        expect([out.trim().replaceAll(' 0', ''), said]).toEqual(['0', '']);

        const rest = await bash(pipe(app).replace('--app', '-e --app'), { cwd: folder, env, pipefail: true });
        expect(rest.exit, rest.stderr).toBe(0);
        const { stdout } = await bash(`buda get-stream -q -e ${app}`, { cwd: folder, env });
        expect(stdout.split('\n').slice(0, -1)).toEqual(Array.from({ length: records }, (_, n) => `{"id":"e_${n}"}`));
      });
    }
  }
});
