import { rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import { bash, environmentIn } from '../house/bash.ts';
import { newHome } from './support.ts';

/** The limit that stands in for a full disk, in kilobytes: below the file of a warehouse, and then a little above it. */
test('under a limit on the size of files nothing is lost, and the warehouse is never spoiled', { timeout: 120_000 }, async () => {
  const cwd = newHome();
  const env = environmentIn(cwd);
  const run = (script: string) => bash(script, { cwd, env });
  const lines = 'for i in $(seq 3000); do echo "{\\"id\\":\\"r_$i\\",\\"text\\":\\"$RANDOM $RANDOM $RANDOM\\"}"; done';
  expect(await run(`${lines} > first; ${lines} | sed s/r_/s_/ > second; buda put-table t -q < first`)).toMatchObject({ exit: 0 });
  for (const kilobytes of [20, 40, 100, 400, 600, 900]) {
    const limited = await run(`(ulimit -f ${kilobytes}; trap '' XFSZ; buda put-table t -q < second)`);
    const { stdout } = await run('buda query "select count(*) as n from t"');
    // All of it, or nothing of it and a reason.
    if (limited.exit === 0) expect(stdout).toBe('{"n":6000}\n');
    else {
      expect(limited).toMatchObject({ exit: 1, stderr: expect.stringMatching(/ulimit -f/) });
      expect(stdout).toBe('{"n":3000}\n');
    }
  }
  expect(await run('buda put-table t -q < second && buda query "select count(*) as n from t"')).toMatchObject({
    exit: 0,
    stdout: '{"n":6000}\n',
  });
  rmSync(cwd, { recursive: true, force: true });
});
