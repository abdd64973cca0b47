// One pipeline of real processes joined by real pipes, and what may happen to it.
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const buda = resolve(import.meta.dirname, '..', '..', 'bin', 'buda');
const node = process.execPath;

/**
 * Starts `steps` (each a bash command line; `buda` is the program) in one process group. `before` runs in a step's process first,
 * e.g. `ulimit -f 8`. Resolves `ended` with every step's exit code (128 + signal where one killed it).
 */
export function startPipeline(steps, { folder, env, before = [] }) {
  const script = steps
    .map((step, i) => {
      const words = step.replace(/^buda /, `exec "${node}" "${buda}" `);
      return `( echo $BASHPID >"$RUN/pid.${i}"; ${before[i] === undefined ? '' : `${before[i]}; `}${words} )`;
    })
    .join(' | \\\n');
  const child = spawn('bash', ['-c', `${script}\necho "\${PIPESTATUS[@]}" >"$RUN/status"`], {
    cwd: folder,
    env: { ...env, RUN: folder },
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  const said = [];
  let isOver = false;
  child.stderr.on('data', (chunk) => said.push(chunk));
  const ended = new Promise((done) => {
    child.once('close', () => {
      isOver = true;
      let codes = steps.map(() => 137);
      try {
        codes = readFileSync(join(folder, 'status'), 'utf8').trim().split(' ').map(Number);
      } catch {
        // The shell itself was killed.
      }
      done({ codes, said: Buffer.concat(said).toString() });
    });
  });
  return {
    ended,
    /** Sends a signal to one step; false where it has ended already. */
    signal(step, name) {
      try {
        const pid = Number(readFileSync(join(folder, `pid.${step}`), 'utf8'));
        if (isOver || groupOf(pid) !== child.pid) return false;
        process.kill(pid, name);
        return true;
      } catch {
        return false;
      }
    },
    /** Sends a signal to every process of the group, as a terminal or systemd does. */
    signalAll(name) {
      if (isOver) return;
      try {
        process.kill(-child.pid, name);
      } catch {
        // It has ended.
      }
    },
    async wait(timeoutMs) {
      const late = sleep(timeoutMs, 'late', { ref: false });
      const result = await Promise.race([ended, late]);
      if (result !== 'late') return result;
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has ended just now.
      }
      return { ...(await ended), isLate: true };
    },
  };
}

/** The process group of a living process. Numbers come again: that of a step that has ended may be a stranger's by now. */
function groupOf(pid) {
  if (process.platform !== 'linux') return Number(execFileSync('ps', ['-o', 'pgid=', '-p', String(pid)], { encoding: 'utf8' }));
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]);
}
