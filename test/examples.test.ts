import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { entries } from '../src/commands/index.ts';
import { bash, environmentIn, root, temporary } from './house/bash.ts';
import { loadAll } from './house/commands.ts';
import { isThere } from './house/tools.ts';
import { awsEnvironmentAt, type Running, startTakingFirehose } from './kinesis/servers.ts';
import { type Bucket, startBucket } from './objects/bucket.ts';

/**
 * Every example of every command and of man/buda.1 is run, each in its own copy of one stage, and has to end with 0.
 * What would go on for ever is told to stop by SIGTERM after a while, and has to end with 0 too.
 */
const folder = mkdtempSync(join(temporary, 'buda-examples-'));
const stage = join(folder, 'stage');
/** Where the services stand that the examples speak to. */
const services: Record<string, string> = {};
let sandbox: ChildProcess;
let firehose: Running;
let bucket: Bucket;

vi.setConfig({ maxConcurrency: 2 });

beforeAll(async () => {
  mkdirSync(join(stage, 'home'), { recursive: true, mode: 0o700 });
  cpSync(join(import.meta.dirname, 'examples/stage'), stage, { recursive: true });
  const words = 'sandbox stripe --seed 7 --customers 40 --months 6 --events dump.ndjson'.split(' ');
  sandbox = spawn(join(root, 'bin/buda'), words, { cwd: stage, env: environmentIn(stage), stdio: ['ignore', 'pipe', 'inherit'] });
  const line = await new Promise<string>((resolve, reject) => {
    createInterface({ input: sandbox.stdout as NodeJS.ReadableStream }).once('line', resolve);
    sandbox.once('exit', (code) => reject(new Error(`the sandbox ended with ${code}`)));
  });
  const { api_base, api_key } = JSON.parse(line) as { api_base: string; api_key: string };
  Object.assign(services, { STRIPE_API_BASE: api_base, STRIPE_API_KEY: api_key });
  firehose = await startTakingFirehose();
  bucket = await startBucket();
  Object.assign(services, awsEnvironmentAt(firehose.endpoint), { AWS_ENDPOINT_URL_S3: bucket.endpoint });
  const script = readFileSync(join(import.meta.dirname, 'examples/stage.sh'), 'utf8');
  const built = await bash(script, { cwd: stage, env: { ...environmentIn(stage), ...services } });
  expect(built.exit, `the stage could not be built:\n${built.stderr}`).toBe(0);
});

afterAll(async () => {
  await firehose?.stop();
  await bucket?.stop();
  sandbox?.removeAllListeners('exit');
  const ended = new Promise((resolve) => sandbox.once('exit', resolve));
  sandbox?.kill('SIGTERM');
  expect(await ended).toBe(0);
  rmSync(folder, { recursive: true, force: true });
});

for (const { words, command } of await loadAll()) {
  describe.concurrent(`buda ${words}`, () => {
    for (const { run } of command.examples) testOf(run);
  });
}
describe.concurrent('man buda', () => {
  for (const run of examplesOfManual()) testOf(run);
});

let copies = 0;

function testOf(run: string): void {
  test.skipIf(!isThere('jq') && /\bjq\b/.test(run))(run, async () => {
    const cwd = join(folder, `${copies++}`);
    cpSync(stage, cwd, { recursive: true });
    const env = { ...environmentIn(cwd), ...services };
    const { exit, stderr } = await bash(run, { cwd, env, pipefail: true, ...(isEndless(run) && { stopAfterMs: 2000 }) });
    expect(exit, `it said:\n${stderr}`).toBe(0);
    rmSync(cwd, { recursive: true, force: true });
  });
}

/** Whether a line of steps goes on until it is told to stop: a server, or a source that follows. */
function isEndless(run: string): boolean {
  return run.split(/[|;&\n]|<\(/).some((step) => {
    const [buda, command, ...words] = step.trim().split(/\s+/);
    if (buda !== 'buda') return false;
    const has = (...flags: string[]) => words.some((word) => flags.includes(word.replace(/=.*/, '')));
    if (command === 'sandbox') return !has('--no-serve');
    if (command === 'produce') return has('-f', '--follow');
    return command === 'get-stream' && !has('-e', '--exit-at-end', '-n', '--count', '--until');
  });
}

/** The literal blocks of EXAMPLES, as a reader would type them. */
function examplesOfManual(): string[] {
  const [, section = ''] = /\.Sh EXAMPLES\n([\s\S]*?)\n\.Sh /.exec(readFileSync(join(root, 'man/buda.1'), 'utf8')) ?? [];
  return [...section.matchAll(/^\.Bd -literal.*\n([\s\S]*?)\n\.Ed$/gm)].map(([, text = '']) =>
    text.replaceAll('\\-', '-').replaceAll('\\e', '\\').replaceAll('\\(aq', "'"),
  );
}

test('there are examples to run', async () => {
  expect(examplesOfManual().length).toBeGreaterThan(3);
  expect((await loadAll()).length).toBe(entries.length);
});
