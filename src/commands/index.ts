import type { Entry } from '../lib/command.ts';

/** Every command, in the order of `buda help`. A new one is a file and a line here. */
export const entries: readonly Entry[] = [
  { words: 'state list', summary: 'list the apps and where they stand', load: () => import('./state/list.ts') },
  { words: 'state show', summary: "show an app's checkpoints and counters", load: () => import('./state/show.ts') },
  { words: 'state set', summary: 'move a checkpoint', load: () => import('./state/set.ts') },
  { words: 'state remove', summary: 'forget an app', load: () => import('./state/remove.ts') },
];
