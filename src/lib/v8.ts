import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';

/** What V8 is told while a process runs: this module takes 2 ms to load, and is loaded when there is time. */

/** How much bytecode a function runs before V8 looks whether to compile it (132 kB at first): where many requests go out, and where a step waits. */
const budgets = { requests: 600_000, waiting: 2_000_000 };
let budget = 0;

/**
 * For a process that has run for a second, and has the young generation and the code that its work wants. From here on the young generation keeps
 * its size: it would grow by whatever survives a collection, however seldom, so that a step took 30 MB more after an hour than after a second. And
 * a step that has mostly waited compiles only what runs very often: a compiler that starts for each function in its turn, over the first quarter of
 * a minute, takes the cores from under the neighbours (of eight processes that append, the 99th percentile of the waiting was three times as long).
 */
export function settle(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  if (performance.eventLoopUtilization().utilization < 0.5) compileLess(budgets.waiting);
}

/**
 * For one that sends many requests: each passes through hundreds of functions of the SDK, and to compile them all took a fifth of the CPU of half a
 * million records put.
 */
export function sendMany(): void {
  compileLess(budgets.requests);
}

function compileLess(bytes: number): void {
  if (bytes <= budget) return;
  budget = bytes;
  setFlagsFromString(`--interrupt-budget=${bytes}`);
}
