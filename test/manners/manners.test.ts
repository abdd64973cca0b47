import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { bash, environmentIn, temporary } from '../house/bash.ts';
import { loadAll } from '../house/commands.ts';
import { awsEnvironmentAt, type Running, startTakingFirehose } from '../kinesis/servers.ts';
import { type Bucket, startBucket } from '../objects/bucket.ts';
import { known, lineOf, type Trial, untried } from './trials.ts';

/** What every command does when its pipes, its signals or its output are not as one would wish. */

const folder = mkdtempSync(join(temporary, 'buda-manners-'));
const roles = new Map((await loadAll()).map(({ words, command }) => [words, command.role]));
const readers = known.filter(({ input }) => input !== undefined);
const sinks = known.filter(({ words }) => roles.get(words) === 'sink');
// What ends only when it is told to; `run` is such a one where its source is.
const endless = known.filter(({ words, input }) => roles.get(words) === 'server' && input === undefined);
const lasting = [...readers.filter(({ words }) => roles.get(words) !== 'tool'), ...endless];

vi.setConfig({ maxConcurrency: 3, testTimeout: 30_000 });

let firehose: Running;
let bucket: Bucket;
const environment = () => ({
  ...environmentIn(folder),
  ...awsEnvironmentAt(firehose.endpoint),
  AWS_ENDPOINT_URL_S3: bucket.endpoint,
});

beforeAll(async () => {
  firehose = await startTakingFirehose();
  bucket = await startBucket();
  cpSync(join(import.meta.dirname, '../examples/stage'), folder, { recursive: true });
  chmodSync(join(folder, 'key'), 0o600);
  mkdirSync(join(folder, 'home'), { mode: 0o700 });
  const lines = (count: number, line: (n: number) => object) =>
    Array.from({ length: count }, (_, n) => `${JSON.stringify(line(n))}\n`).join('');
  const at = (n: number) => new Date(Date.UTC(2026, 10, 24) + n * 1000).toISOString();
  const event = (n: number) => ({ id: `e_${n}`, type: 'page_viewed', user_id: 'u_1', email: 'a@b.c', created_at: at(n), n });
  writeFileSync(join(folder, 'events'), lines(5000, event));
  const customer = (n: number) => ({ id: `cus_${n}`, object: 'customer', email: 'a@b.c', created: 1_795_000_000 + n });
  const stripe = { object: 'event', api_version: '2024-06-20', type: 'customer.created', livemode: false };
  writeFileSync(
    join(folder, 'dump'),
    lines(2000, (n) => ({ ...stripe, id: `evt_${n}`, created: 1_795_000_000 + n, data: { object: customer(n) } })),
  );
  writeFileSync(join(folder, 'bad.ndjson'), '');
  const stage = [
    `printf '{"id":1}\\nbad\\n' | buda each -q --dead-letter bad.ndjson -- cat`,
    'buda produce stripe --from dump --app known -q >marked',
    `printf '{"id":1}\\n' | buda put-table -q one`,
  ];
  if (known.some(({ words }) => words === 'get-stream')) stage.push('buda put-stream tracking_events -q < events');
  const { exit, stderr } = await bash(stage.join(' &&\n'), { cwd: folder, env: environmentIn(folder) });
  expect(exit, stderr).toBe(0);
});
afterAll(async () => {
  await firehose?.stop();
  await bucket?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('every command is tried', () => expect(untried).toEqual([]));

const run = (script: string, input?: string) => {
  const bytes = input === undefined ? undefined : readFileSync(join(folder, input));
  return bash(script, { cwd: folder, env: environment(), ...(bytes && { input: bytes }) });
};

describe.concurrent('a reader that goes away ends a command quietly, with 141', () => {
  for (const trial of known.filter(({ writesMuch }) => writesMuch)) {
    test(lineOf(trial), async () => {
      const { stdout, stderr } = await run(
        `${lineOf(trial)} < ${trial.input ?? '/dev/null'} | head -n 1 >/dev/null; echo \${PIPESTATUS[0]}`,
      );
      expect([stdout, stderr]).toEqual(['141\n', '']);
    });
  }
});

describe.concurrent('a full disk behind stdout is 1, and said', () => {
  for (const trial of known.filter(({ writesNothing }) => !writesNothing)) {
    test.skipIf(!existsSync('/dev/full'))(lineOf(trial), async () => {
      const { exit, stderr } = await run(`${lineOf(trial)} < ${trial.input ?? '/dev/null'} > /dev/full`);
      expect(stderr).toContain(': stdout: the disk is full\n');
      expect(exit).toBe(1);
    });
  }
});

describe.concurrent('stdin may be closed, a pipe, or a socket; with -q nothing is said', () => {
  for (const trial of readers) {
    const { words, input } = trial;
    test.skipIf(roles.get(words) === 'tool')(`closed: ${lineOf(trial)}`, async () => {
      const { exit, stderr } = await run(`${lineOf(trial)} <&-`);
      expect(exit, stderr).toBe(0);
    });
    // Node gives its children socketpairs; `cat |` makes a pipe of it.
    test(`alike: ${lineOf(trial)}`, async () => {
      const socket = await run(lineOf(trial), input);
      expect(socket.exit, socket.stderr).toBe(0);
      const pipe = await run(`cat | ${lineOf(trial, '-q')}`, input);
      expect(pipe).toEqual({ exit: 0, stdout: socket.stdout, stderr: '' });
    });
  }
});

/** Starts a command with its stdin open and waits until it listens; `-v` says where home is just before. */
async function start(trial: Trial) {
  const { input } = trial;
  const child = spawn('bash', ['-c', `exec ${lineOf(trial, '-v')}`], { cwd: folder, env: environment(), detached: true });
  let said = '';
  child.stdin.on('error', () => {});
  const writes = once(child.stdout, 'data');
  child.stdout.resume();
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  const hears = async (text: string) => {
    while (!said.includes(text)) {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}, and said: ${said}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  await hears(': home ');
  if (input !== undefined) child.stdin.write(readFileSync(join(folder, input)));
  // What it starts has been started by then.
  if (trial.writesMuch === true) await writes;
  const pid = child.pid as number;
  return {
    signal: (name: NodeJS.Signals) => child.kill(name),
    signalAll: (name: NodeJS.Signals) => process.kill(-pid, name),
    hears,
    ended,
    said: () => said,
    close: () => child.stdin.end(),
  };
}

describe.concurrent('signals', () => {
  for (const trial of lasting) {
    test(`SIGUSR1 asks how far it is, the first SIGTERM ends it well: ${lineOf(trial)}`, async () => {
      const child = await start(trial);
      child.signal('SIGUSR1');
      await child.hears('records in');
      // The whole group is told: what is before it in the pipe ends too.
      child.signalAll('SIGTERM');
      child.close();
      expect(await child.ended, child.said()).toEqual([0, null]);
    });

    // A source, or a server, has ended by then.
    const isDrained = trial.input !== undefined && roles.get(trial.words) !== 'source';
    test.skipIf(!isDrained)(`the second SIGINT ends it at once: ${lineOf(trial)}`, async () => {
      const child = await start(trial);
      child.signalAll('SIGINT');
      await new Promise((resolve) => setTimeout(resolve, 200));
      child.signalAll('SIGINT');
      expect(await child.ended, child.said()).toEqual([null, 'SIGINT']);
    });
  }

  for (const trial of sinks) {
    test(`a sink that is told alone waits a little for marks, then ends: ${lineOf(trial)}`, async () => {
      const child = await start(trial);
      child.signal('SIGTERM');
      expect(await child.ended, child.said()).toEqual([0, null]);
    });
  }
});

test('a user without an entry or a HOME is asked for none where a place for the state is named', async () => {
  // As for a number that a container was given: os.homedir() throws.
  writeFileSync(join(folder, 'nobody.cjs'), `require('node:os').homedir = () => { throw new Error('no entry'); };\n`);
  const run = (named: string) =>
    bash(`echo '{"a":1}' | env -u HOME -u BUDA_HOME ${named} node -r ./nobody.cjs "$(which buda)" transform flatten -q`, {
      cwd: folder,
      env: environmentIn(folder),
    });
  for (const named of ['BUDA_HOME=home', 'STATE_DIRECTORY=home', 'XDG_STATE_HOME=home', 'HOME=home'])
    expect(await run(named), named).toMatchObject({ exit: 0, stdout: '{"a":1}\n' });
  expect(await run('')).toMatchObject({ exit: 1, stderr: expect.stringContaining('no entry') });
});
