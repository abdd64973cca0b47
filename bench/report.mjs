// What the reports have in common: one answer a question, what GNU time says, and which machine it was.
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';

/** Puts one answer into a report: in place of the last one to the same question, or at the end. A report that is not there begins with `head`. */
export function keep(report, name, text, head = '') {
  const before = existsSync(report) ? readFileSync(report, 'utf8') : head;
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const part = `${begin}\n${text}\n${end}`;
  const from = before.indexOf(begin);
  const after =
    from < 0 ? `${before.trimEnd()}\n\n${part}\n` : before.slice(0, from) + part + before.slice(before.indexOf(end) + end.length);
  writeFileSync(`${report}.${process.pid}`, after);
  renameSync(`${report}.${process.pid}`, report);
}

/** What `/usr/bin/time -v -o PATH` says of a process: its peak in bytes, its seconds. */
export function readTime(path) {
  const text = readFileSync(path, 'utf8');
  const fieldOf = (name) => text.slice(text.indexOf(name) + name.length).match(/\S+/)[0];
  const wall = fieldOf('Elapsed (wall clock) time (h:mm:ss or m:ss):').split(':').map(Number);
  return {
    peakBytes: 1024 * Number(fieldOf('Maximum resident set size (kbytes):')),
    seconds: wall.reduce((sum, part) => 60 * sum + part, 0),
    cpuSeconds: Number(fieldOf('User time (seconds):')) + Number(fieldOf('System time (seconds):')),
  };
}

/** The day and the machine, in words. */
export function whereAndWhen() {
  const gibibytes = Math.round(totalmem() / 2 ** 30);
  return `${new Date().toISOString().slice(0, 10)}, ${cpus()[0]?.model.trim()}, ${cpus().length} cores, ${gibibytes} GiB, Node ${process.versions.node}`;
}
