import { entries } from '../../src/commands/index.ts';
import type { AnyCommand } from '../../src/lib/command.ts';

export interface Loaded {
  words: string;
  summary: string;
  command: AnyCommand;
}

/** Every command with its definition, in the order of `buda help`. */
export function loadAll(): Promise<Loaded[]> {
  return Promise.all(entries.map(async ({ words, summary, load }) => ({ words, summary, command: (await load()).default })));
}
