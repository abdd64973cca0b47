import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { root, temporary } from '../house/bash.ts';
import { describeWith, run } from './needs.ts';

/** What somebody does who has Node, npm and git and nothing else: the README's two commands in a fresh clone, then an installation. */
describeWith(['git', 'npm', 'man'], 'a newcomer', () => {
  const folder = mkdtempSync(join(temporary, 'buda-newcomer-'));
  const clone = join(folder, 'buda');
  const prefix = join(folder, 'prefix');
  let env: Record<string, string>;

  beforeAll(async () => {
    env = await bareEnvironment(folder);
    await run('git', ['clone', '--quiet', root, clone], { env });
    await run('npm', ['ci', '--no-audit', '--no-fund'], { cwd: clone, env });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('runs the demo, and a second time it adds nothing', async () => {
    const home = { ...env, BUDA_HOME: join(clone, 'demo/home') };
    const records = () => run(join(clone, 'bin/buda'), ['get-stream', 'mrr_movements', '-e', '-q'], { cwd: folder, env: home });
    expect(await run('npm', ['run', 'demo'], { cwd: clone, env })).toContain('$ buda produce stripe');
    const first = await records();
    expect(first.split('\n').length).toBeGreaterThan(100);
    expect(existsSync(join(clone, 'demo/home/warehouse.duckdb'))).toBe(true);
    expect(readFileSync(join(clone, 'demo/mrr.svg'), 'utf8')).toMatch(/^<svg/);
    await run('npm', ['run', 'demo'], { cwd: clone, env });
    expect(await records()).toBe(first);
    expect(await run('git', ['status', '--porcelain'], { cwd: clone, env })).toBe('');
  });

  test('runs the tests', async () => {
    const said = await run('npm', ['test'], { cwd: clone, env });
    expect(said).toMatch(/Tests .*passed/);
    expect(said).not.toMatch(/Tests .*failed/);
  });

  test('packs it, installs the package into a prefix of its own, and reads its manual', async () => {
    const packed = await run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: clone, env });
    const tarball = packed.trim().split('\n').at(-1) ?? '';
    await run('npm', ['install', '--global', '--no-audit', '--no-fund', '--prefix', prefix, join(folder, tarball)], {
      cwd: folder,
      env,
    });
    const buda = join(prefix, 'bin/buda');
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    expect(await run(buda, ['--version'], { cwd: folder, env })).toBe(`${version}\n`);

    const installed = { ...env, BUDA_HOME: join(folder, 'home'), PATH: `${join(prefix, 'bin')}${delimiter}${env.PATH}` };
    const line = '{"id":"a"}';
    await run('bash', ['-c', `echo '${line}' | buda put-stream tried -q`], { cwd: folder, env: installed });
    expect(await run('buda', ['get-stream', 'tried', '-e', '-q'], { cwd: folder, env: installed })).toBe(`${line}\n`);

    const pages = join(prefix, 'share/man/man1');
    expect(readdirSync(pages).sort()).toEqual(readdirSync(join(clone, 'man')).sort());
    const reader = { ...env, MANPAGER: 'cat', MANWIDTH: '80' };
    expect(await run('man', ['-M', join(prefix, 'share/man'), 'buda-put-stream'], { env: reader })).toContain('EXIT STATUS');
    expect(await run('man', ['-l', join(pages, 'buda.1')], { env: reader })).toContain('pipeline steps');
  });
});

/** Nothing of buda's, of this npm run or of this person's: only what npm needs to reach its registry from here. */
async function bareEnvironment(home: string): Promise<Record<string, string>> {
  const path = (process.env.PATH ?? '').split(delimiter).filter((one) => !one.includes('node_modules'));
  const env: Record<string, string> = {
    PATH: path.join(delimiter),
    HOME: home,
    LANG: 'C.UTF-8',
    npm_config_registry: (await run('npm', ['config', 'get', 'registry'], { cwd: root })).trim(),
  };
  for (const name of Object.keys(process.env)) {
    if (/^(https?_proxy|no_proxy|npm_config_cafile|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE)$/i.test(name))
      env[name] = String(process.env[name]);
  }
  return env;
}
