import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { AppState } from '../src/lib/checkpoints.ts';
import { FolderCheckpoints } from '../src/lib/state/folder.ts';
import { bash, environmentIn, temporary } from './house/bash.ts';
import { testContext } from './support/context.ts';

/** Pipes that do not end as they should: what is noticed, what is committed, and what is said. */

const folder = mkdtempSync(join(temporary, 'buda-unclean-'));
const env = environmentIn(folder);
const state = join(folder, 'home/state');
const run = (script: string, input = '') => bash(script, { cwd: folder, env, input: Buffer.from(input) });
const documentOf = (app: string) => JSON.parse(readFileSync(join(state, `${app}.json`), 'utf8')) as AppState;

vi.setConfig({ maxConcurrency: 2 });

beforeAll(async () => {
  mkdirSync(join(folder, 'home'), { mode: 0o700 });
  const records = Array.from({ length: 20 }, (_, n) => `{"id":"e_${n}"}\n`).join('');
  const { exit, stderr } = await run('buda put-stream -q numbers', records);
  expect(exit, stderr).toBe(0);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const source = (app: string) => `buda get-stream numbers -q -e --epoch 5 --app ${app}`;
const sink = (app: string) => `buda put-stream -q ${app} --app ${app}`;

describe.concurrent('what a filter in the middle does', () => {
  const broken: [what: string, filter: string, exit: number, commits: number, said: string][] = [
    ['cuts the pipe at a line', 'head -n 11', 75, 1, 'the input ended without buda.end: the step before died'],
    ['cuts the pipe inside a line', 'head -c 400', 75, 1, 'the input ends inside line'],
    ['cuts the pipe inside the begin', 'head -c 40', 75, 0, 'the input ends inside line 1'],
    ['cuts the pipe behind the begin', 'head -n 1', 75, 0, 'the input ended without buda.end'],
    ['lets nothing through', 'true', 75, 0, 'the step before ended before it began'],
    ['eats every mark', "grep '^{'", 78, 0, 'records without marks under --app'],
    ['eats marks, but neither begin nor end', "grep -v '^.\"buda.mark'", 78, 0, 'marks were eaten: 20 records came'],
    ['eats one mark', "awk '!/buda.mark/ || ++n != 2'", 78, 1, 'counters differ: get-stream wrote 5 records before the mark'],
    ['eats the end', "grep -v '^.\"buda.end'", 75, 4, 'the input ended without buda.end'],
    ['eats a record', 'grep -v e_7', 78, 1, 'counters differ: get-stream wrote 5 records before the mark'],
    ['adds a record', "sed '3p'", 78, 0, '6 came'],
    ['sorts all lines', 'LC_ALL=C sort', 78, 0, 'there are lines after buda.end'],
    ['makes arrays of records', "sed 's/^{.*}$/[&]/'", 65, 0, 'an array, and no mark'],
    ['joins two pipes', 'tee -a copy | cat - copy', 78, 4, 'there are lines after buda.end'],
  ];
  for (const [what, filter, exit, commits, said] of broken) {
    test(`${what}: ${filter}`, async () => {
      const app = `app-${broken.findIndex(([one]) => one === what)}`;
      const ran = await run(
        `${source(app)} | { ${filter.replace('copy', `${app}.copy`).replace('- copy', `- ${app}.copy`)}; } | ${sink(app)}`,
      );
      expect(ran.stderr).toContain(said);
      expect(ran.exit, ran.stderr).toBe(exit);
      expect(documentOf(app).commits).toBe(commits);
      if (exit === 78) expect(ran.stderr).toContain('buda each -- FILTER');
      // As it was meant: nothing is missing.
      const mended = await run(`${source(app)} | ${sink(app)} && buda get-stream -q -e ${app} | sort -u | wc -l`);
      expect([mended.exit, mended.stdout.trim(), documentOf(app).commits], mended.stderr).toEqual([0, '20', 4]);
    });
  }
});

test('where all marks are eaten and the sink does not insist, the source notices: said twice, then refused', async () => {
  const pipe = `${source('silent')} | grep '^{' | buda put-stream -q silent`;
  expect(await run(pipe)).toEqual({ exit: 0, stdout: '', stderr: '' });
  const second = await run(pipe);
  expect(second.exit).toBe(0);
  expect(second.stderr).toContain('the last run of app silent ended well, but no sink has seen the marks');
  expect((await run(pipe)).stderr).toContain('the last 2 runs of app silent ended well');
  const fourth = await run(`${pipe}; echo \${PIPESTATUS[0]}`);
  expect(fourth.stdout).toBe('78\n');
  expect(fourth.stderr).toContain(
    'the last 3 runs of app silent ended well, but no sink has seen the marks: nothing was committed',
  );
  expect(fourth.stderr).toContain('buda each -- FILTER');
  const mended = await run(`${source('silent')} | buda each -q -- grep '^{' | buda put-stream -q silent`);
  expect([mended.exit, documentOf('silent').commits], mended.stderr).toEqual([0, 4]);
});

describe.concurrent('a source that cannot begin speaks for the pipe', () => {
  const ends: [what: string, exit: number, source: string][] = [
    ['no such stream', 78, 'buda get-stream -q nothing -e --app'],
    ['no key', 77, 'env -u STRIPE_API_KEY buda produce stripe -q -e --app'],
    ['no such dump', 78, 'buda produce stripe -q --from nothing.ndjson --app'],
  ];
  const middles = [
    '',
    '| buda each -q -- cat',
    '| buda transform mrr -q | buda transform dedupe -q',
    `| buda transform sql -q 'SELECT count(*) AS n FROM input'`,
  ];
  for (const [what, exit, failing] of ends) {
    test(what, async () => {
      for (const [i, middle] of middles.entries()) {
        for (const last of ['put-stream -q none', 'put-table -q none', `put-stream -q none --app no-${exit}-${i}`]) {
          const ran = await run(`${failing} no-${exit}-${i} ${middle} | buda ${last}`);
          expect(ran.exit, ran.stderr).toBe(exit);
          expect(ran.stderr).toContain(`upstream ended with ${exit}`);
        }
      }
      const plain = await run(`${failing.replace(' --app', '')} | buda put-stream -q none; echo "\${PIPESTATUS[@]}"`);
      expect(plain.stdout).toBe(`${exit} 0\n`);
    });
  }

  test('another run holds the app', async () => {
    const held = `buda get-stream -q numbers --app held | { read -r begin; buda get-stream -q numbers --app held | buda put-stream -q none; echo $?; }`;
    const { stdout, stderr } = await run(`timeout -s INT 10 bash -c '${held.replaceAll("'", `'\\''`)}; kill 0' || true`);
    expect(stdout.split('\n')[0], stderr).toBe('75');
  });
});

describe.concurrent('a function of the user’s own', () => {
  const own = (name: string, text: string) => writeFileSync(join(folder, `${name}.mjs`), text);

  test('that never answers, or ends the process, is not taken for a clean end', async () => {
    own('hangs', 'export default () => new Promise(() => {});');
    own('quits', 'export default () => process.exit(0);');
    for (const name of ['hangs', 'quits']) {
      const { exit, stderr } = await run(`buda transform ./${name}.mjs -q`, '{"id":1}\n');
      expect(exit).toBe(75);
      expect(stderr).toContain('it ended before its work was done');
      const together = await run(
        `buda run -q "get-stream numbers --app ${name} -e | transform ./${name}.mjs | put-stream ${name}"`,
      );
      expect(together.exit, together.stderr).toBe(75);
    }
  });

  test('that writes to stdout does not write into the pipe', async () => {
    own('loud', `console.log('{"banner":1}'); export default (record) => { console.log('{"debug":1}'); return record; };`);
    const { exit, stdout, stderr } = await run(`${source('loud')} | buda transform ./loud.mjs -q | ${sink('loud')}`);
    expect([exit, stdout, documentOf('loud').commits], stderr).toEqual([0, '', 4]);
    expect(stderr.match(/"debug"/g)?.length).toBe(20);
    expect(stderr).toContain('{"banner":1}');
    expect((await run('buda get-stream -q -e loud | wc -l')).stdout.trim()).toBe('20');
  });
});

test('a source that follows a quiet stream notices that its sink has died', async () => {
  const script = `buda get-stream -q numbers --app quiet >fifo & source=$!
    buda put-stream -q quiet <fifo & sink=$!
    while [ "$(buda get-stream -q -e quiet | wc -l)" != 20 ]; do sleep 0.1; done
    kill -9 $sink; wait $source; echo $?`;
  const { stdout, stderr } = await run(`mkfifo fifo; ${script}`);
  expect(stdout.trim(), stderr).toBe('141');
  const { stdout: followed } = await run(
    `timeout 12 buda get-stream -q numbers --app other | tee raw | buda put-stream -q other; grep -c '^$' raw`,
  );
  expect(Number(followed)).toBeGreaterThan(0);
  expect(documentOf('other').sources['local:numbers']?.counters.delivered).toBe(20);
}, 40_000);

describe.concurrent('programs that a step runs end with its reader', () => {
  beforeAll(() => writeFileSync(join(folder, 'slow.sh'), 'echo $$ >"$1"; echo {}; sleep 1; echo {}; exec sleep 1000'));
  for (const [name, step] of [
    ['each', 'buda each -q -- sh slow.sh pid-1'],
    ['each in a run', 'buda run -q "each -- sh slow.sh pid-2 | transform flatten"'],
    ['a program in a run', 'buda run -q "sh slow.sh pid-3 | transform flatten"'],
  ] as const) {
    test(name, async () => {
      const pid = /pid-\d/.exec(step)?.[0];
      const pipe = `{ ${step} </dev/null; echo $? >&2; } | true; sleep 0.2`;
      const { stdout, stderr } = await run(`${pipe}; kill -0 $(cat ${pid}) 2>/dev/null; echo $?`);
      expect(stderr).toBe('141\n');
      expect(stdout).toBe('1\n');
    });
  }
}, 15_000);

describe.concurrent('a reader that goes away while the pipe to it is full, and nothing more comes in', () => {
  // As much as a pipe holds and half of that: one write waits, and nothing behind it.
  const records = Array.from({ length: 1100 }, (_, n) => `{"id":"e_${n}","pad":{"a":"${'x'.repeat(60)}"}}\n`).join('');
  beforeAll(async () => {
    expect((await run('buda put-stream -q many', records)).exit).toBe(0);
  });
  for (const [name, step] of [
    ['a transform', 'buda transform flatten -q'],
    ['a source', 'buda get-stream -q many'],
    ['a source of an app', 'buda get-stream -q many --app full'],
    ['steps in one process', "buda run -q 'get-stream many | transform flatten'"],
    ['steps in one process behind a pipe', "buda run -q 'transform flatten | transform dedupe --window 10'"],
  ] as const) {
    test(`is noticed by ${name}`, async () => {
      const at = name.replaceAll(' ', '-');
      const script = `mkdir ${at} && cd ${at} && mkfifo in out && cat >all; exec 3<>in; sleep 100 <out & reader=$!
        ${step} <in >out & step=$!
        timeout 2 cat all >&3; sleep 1; kill $reader; wait $step; echo $?`;
      const { stdout, stderr } = await run(script, records);
      expect(stdout.trim(), stderr).toBe('141');
    });
  }
}, 20_000);

test('two steps of one name that keep state are refused, not sent round for ever', async () => {
  for (const [app, keys] of [
    ['twice', ''],
    ['other-keys', '--key other'],
  ] as const) {
    const pipe = `${source(app)} | buda transform dedupe -q | buda transform dedupe -q ${keys} | ${sink(app)}`;
    const { exit, stderr } = await run(pipe);
    expect(exit, stderr).toBe(78);
    expect(stderr).toContain('there are two `transform dedupe` in this pipe');
  }
  const mended = await run(`${source('twice')} | buda transform dedupe -q | ${sink('twice')}`);
  expect([mended.exit, documentOf('twice').commits], mended.stderr).toEqual([0, 4]);
});

test('two put-s3 in one pipe are refused, and take nothing away from each other', async () => {
  const pipe = `${source('lakes')} | buda put-s3 -q file:one --forward | buda put-s3 -q file:two --app lakes`;
  for (const _ of [1, 2]) {
    const { exit, stderr } = await run(pipe);
    expect(exit, stderr).toBe(78);
    expect(stderr).toContain('there are two `put-s3` in this pipe');
  }
  const mended = await run(`${source('lakes')} | buda put-s3 -q file:one --app lakes`);
  expect([mended.exit, documentOf('lakes').commits], mended.stderr).toEqual([0, 4]);
});

test('a step whose dead letter cannot be kept ends, though its input stays open', async () => {
  const open = `${source('full')} | grep -v buda.end; sleep 20`;
  const { stdout, stderr } = await run(
    `timeout 15 buda each -q --dead-letter /dev/full -- false < <({ ${open}; } 2>/dev/null); echo $?`,
  );
  expect(stderr).toContain('a dead letter could not be kept');
  expect(stdout.split('\n').at(-2)).toBe('1');
});

test('control lines pass, however short the records are to be', async () => {
  const { exit, stderr } = await run(`${source('short')} | ${sink('short')} --max-line 20`);
  expect([exit, documentOf('short').commits], stderr).toEqual([0, 4]);
});

test('a file that is not there is a matter of configuration, which no retry mends: 78', async () => {
  for (const command of ['produce stripe --from nope.ndjson', 'query --file nope.sql', 'dead-letter list nope.ndjson']) {
    const { exit, stderr } = await run(`buda ${command}`);
    expect(exit, stderr).toBe(78);
    expect(stderr).toMatch(/no such file or folder|there is no file/);
  }
});

test('what a step keeps goes when its app is forgotten, wherever the state is', async () => {
  const many = Array.from({ length: 5000 }, (_, n) => `{"id":"m_${n}"}\n`).join('');
  expect((await run('buda put-stream -q many', many)).exit).toBe(0);
  const elsewhere = '--state file:elsewhere';
  const pipe = `buda get-stream many -q -e --epoch 500 --app many ${elsewhere} | buda transform dedupe -q --memory 32k ${elsewhere} | buda put-stream -q many-out ${elsewhere}`;
  const { exit, stderr } = await run(pipe);
  expect(exit, stderr).toBe(0);
  expect(readdirSync(join(folder, 'elsewhere/many.saved/transform-dedupe/files')).length).toBeGreaterThan(0);
  expect((await run(`buda state remove many ${elsewhere}`)).exit).toBe(0);
  expect(readdirSync(join(folder, 'elsewhere')).filter((name) => name.startsWith('many'))).toEqual([]);
});

test('a sink that saw the begin and died before it committed is no reason to refuse', async () => {
  const store = new FolderCheckpoints(mkdtempSync(join(folder, 'store-')), testContext().host, () => new Date());
  for (let i = 0; i < 4; i++) {
    const tenure = await store.start('a', 's');
    expect(tenure.unseen).toBe(0);
    await store.claim(tenure.begin, 'local:out');
    await tenure.end(3, 0);
  }
});

test('the end of the pipe speaks for all of it', async () => {
  const ran = await run(`${source('told')} | buda each -q -- awk '/e_12/ { exit 5 } { print }' | ${sink('told')}`);
  expect(ran.exit).toBe(75);
  expect(ran.stderr).toContain('buda put-stream: upstream ended with 75: awk exited with 5 in the epoch up to');
  expect(documentOf('told').commits).toBe(2);
});

test('a second run of an app is refused while the first one runs', async () => {
  const script = `buda get-stream -q numbers --app two >/dev/null & first=$!
    until ls home/state/two.run.lock >/dev/null 2>&1; do sleep 0.02; done
    buda get-stream -q numbers --app two >refused; echo $?; cut -c 1-24 refused; kill $first; wait $first; echo $?`;
  const { stdout, stderr } = await run(script);
  expect(stdout).toBe('75\n["buda.end",1,{"exit":75\n0\n');
  expect(stderr).toContain('app two runs already');
});

test('a sink that was left behind by a newer run commits nothing more', async () => {
  const script = `mkfifo pipe; ${source('zombie')} > saved; ${sink('zombie')} < pipe & old=$!
    exec 3>pipe; head -n 7 saved >&3
    until grep -q '"commits": 1' home/state/zombie.json; do sleep 0.02; done
    ${source('zombie')} | ${sink('zombie')}; echo $?
    tail -n +8 saved >&3; exec 3>&-; wait $old; echo $?`;
  const { stdout, stderr } = await run(script);
  expect(stdout).toBe('0\n75\n');
  expect(stderr).toContain('app zombie: a newer run has begun (term 2, this one is 1)');
  expect(documentOf('zombie')).toMatchObject({ commits: 4, term: 2 });
});

test('what was committed is not committed again, and nothing is left out', async () => {
  const { stdout, stderr } = await run(`${source('saved')} > whole; ${sink('saved')} < whole; ${sink('saved')} < whole; echo $?`);
  expect(stdout).toBe('65\n');
  expect(stderr).toContain('app saved: it has 4 commits, the pipe begins at 0');
  expect(documentOf('saved').commits).toBe(4);
});

describe('a begin that somebody wrote', () => {
  const forged = (begin: object) => {
    const body = { app: 'victim', source: 'local:numbers', run: 'r', term: 1, at: 0, from: {}, ...begin };
    return `${JSON.stringify(['buda.begin', 1, body])}\n{"id":"x"}\n["buda.mark",1,{"to":"9","c":[]}]\n["buda.end",1,{"exit":0}]\n`;
  };
  beforeAll(async () => void (await run(`${source('victim')} | head -n 1 >/dev/null`)));

  test.each([
    ['of an app that is not there', { app: 'unheard' }, 78, 'this state store knows no app unheard'],
    ['with a path for a name', { app: '../../elsewhere' }, 65, 'it looks like a mark'],
    ['of the right app, term and place', {}, 65, 'its newest run is not the one that this pipe begins with'],
    ['of an older term', { term: 0 }, 75, 'a newer run has begun'],
    ['of a term to come', { term: 7 }, 65, 'its newest run is not the one'],
  ])('%s commits nothing, anywhere', async (_, begin, exit, said) => {
    const before = [readdirSync(state), readFileSync(join(state, 'victim.json'), 'utf8'), readdirSync(join(folder, 'home'))];
    const ran = await run('buda put-stream -q forged', forged(begin));
    expect(ran.stderr).toContain(said);
    expect(ran.exit).toBe(exit);
    expect([readdirSync(state), readFileSync(join(state, 'victim.json'), 'utf8'), readdirSync(join(folder, 'home'))]).toEqual(
      before,
    );
  });
});

test('a clock that jumps back changes times only', async () => {
  let now = Date.UTC(2026, 0, 2);
  const store = new FolderCheckpoints(
    mkdtempSync(join(folder, 'clock-')),
    testContext().host,
    () => new Date((now -= 3_600_000)),
  );
  for (let i = 0; i < 3; i++) {
    const tenure = await store.start('a', 's');
    const { app, source, term, at, from } = tenure.begin;
    expect([term, at, from]).toEqual([i + 1, i, i === 0 ? {} : { '': String(i) }]);
    await store.claim(tenure.begin, 'out');
    const place = { shard: '', from: from[''], to: String(i + 1) };
    await store.commit({ app, source, term, commit: at + 1, ...place, sink: 'out', counts: [] });
    await tenure.end(1, 0);
  }
});
