import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';

/** What V8 is told while a process runs: this module takes 2 ms to load, and is loaded when there is time. */

/**
 * For a process that has run for a second, and has the young generation and the code that its work wants. From here on the young generation keeps
 * its size: it would grow by whatever survives a collection, however seldom, so that a step took 30 MB more after an hour than after a second. And
 * a step that has mostly waited compiles less.
 */
export function settle(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  if (performance.eventLoopUtilization().utilization < 0.5) compileLess();
}

/**
 * From here on V8 looks only after fifteen times as much of a function has run (2 MB of bytecode, not 132 kB) whether to compile it. Who sends
 * requests passes through hundreds of functions of the SDK, and to compile them all took a fifth of the CPU of half a million records put. Where a
 * step waits, the compiler comes to each function in its turn, over the first quarter of a minute, and takes the cores from under the neighbours: of
 * eight processes that append, the 99th percentile of the waiting was three times as long.
 */
export function compileLess(): void {
  setFlagsFromString('--interrupt-budget=2000000');
}
