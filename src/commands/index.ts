import type { Entry } from '../lib/command.ts';

/** Every command, in the order of `buda help`. A new one is a file and a line here. */
export const entries: readonly Entry[] = [];
