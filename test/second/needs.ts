import { type ExecFileOptions, execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, test } from 'vitest';
import { isThere } from '../house/tools.ts';

/** Tests that need programs that npm does not bring. Where one is missing they are skipped and say so; where CI is set they fail. */
export function describeWith(programs: readonly string[], name: string, tests: () => void): void {
  const missing = programs.filter((program) => !isThere(program));
  if (missing.length === 0) return void describe(name, tests);
  const why = `${name}: not installed: ${missing.join(', ')}`;
  if (process.env.CI !== undefined && process.env.CI !== '' && process.env.CI !== 'false') {
    return void test(why, () => {
      throw new Error(
        `${why}; on Debian: ${missing.map((program) => installs[program] ?? `apt-get install ${program}`).join('; ')}`,
      );
    });
  }
  console.warn(why);
  describe.skip(why, tests);
}

const installs: Record<string, string> = { man: 'apt-get install man-db', moto_server: "pip install 'moto[server]==5.1.22'" };

const start = promisify(execFile);

/** Runs a program and gives what it writes to stdout; where it fails, the error has both of its outputs. */
export async function run(program: string, args: readonly string[], options: ExecFileOptions = {}): Promise<string> {
  const { stdout } = await start(program, args, { encoding: 'utf8', maxBuffer: 64 * 1024 ** 2, ...options });
  return String(stdout);
}
