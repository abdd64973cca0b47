import { setFlagsFromString } from 'node:v8';

/** What V8 is told while a process runs: this module takes 2 ms to load, and is loaded when there is time. */

/**
 * From here on V8's young generation keeps its size. It would grow by whatever survives a collection, however seldom, so that a step took 30 MB more
 * after an hour than after a second.
 */
export function holdYoungGeneration(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}

/**
 * From here on V8 compiles only what runs five times as often as it would ask for (135 kB of bytecode). Each request passes through hundreds of
 * functions of the SDK, and to compile them all took a fifth of the CPU of half a million records put, beside what they cost.
 */
export function compileLess(): void {
  setFlagsFromString('--interrupt-budget=600000');
}
