import type { Entry } from '../lib/command.ts';

/** Every command, in the order of `buda help`. A new one is a file and a line here. */
export const entries: readonly Entry[] = [
  { words: 'produce stripe', summary: "read a Stripe account's events and lists", load: () => import('./produce/stripe.ts') },
  { words: 'transform mrr', summary: 'turn Stripe events into movements of MRR', load: () => import('./transform/mrr.ts') },
  { words: 'transform flatten', summary: 'turn nested fields into columns', load: () => import('./transform/flatten.ts') },
  { words: 'transform validate', summary: 'check records against JSON Schemas', load: () => import('./transform/validate.ts') },
  { words: 'transform dedupe', summary: 'let each record through once', load: () => import('./transform/dedupe.ts') },
  { words: 'transform hash', summary: 'replace personal data by keyed hashes', load: () => import('./transform/hash.ts') },
  { words: 'transform FILE', summary: 'run your own function on each record', load: () => import('./transform/file.ts') },
  { words: 'each', summary: 'run any filter, made safe for marks', load: () => import('./each.ts') },
  { words: 'put-stream', summary: 'append records to a stream', load: () => import('./put-stream.ts') },
  { words: 'get-stream', summary: 'read a stream', load: () => import('./get-stream.ts') },
  { words: 'put-table', summary: 'load records into a table', load: () => import('./put-table.ts') },
  { words: 'query', summary: 'ask the warehouse in SQL', load: () => import('./query.ts') },
  { words: 'run', summary: 'run a whole pipeline in one process', load: () => import('./run.ts') },
  { words: 'stream list', summary: 'list the streams', load: () => import('./stream/list.ts') },
  { words: 'stream describe', summary: "show a stream's shards and who reads it", load: () => import('./stream/describe.ts') },
  { words: 'stream delete', summary: 'delete a stream', load: () => import('./stream/delete.ts') },
  { words: 'state list', summary: 'list the apps and where they stand', load: () => import('./state/list.ts') },
  { words: 'state show', summary: "show an app's checkpoints and counters", load: () => import('./state/show.ts') },
  { words: 'state set', summary: 'move a checkpoint', load: () => import('./state/set.ts') },
  { words: 'state remove', summary: 'forget an app', load: () => import('./state/remove.ts') },
  { words: 'dead-letter list', summary: 'count dead letters by step and reason', load: () => import('./dead-letter/list.ts') },
  { words: 'dead-letter show', summary: 'print dead letters', load: () => import('./dead-letter/show.ts') },
  {
    words: 'dead-letter replay',
    summary: 'write rejected lines back, byte for byte',
    load: () => import('./dead-letter/replay.ts'),
  },
  { words: 'chart', summary: 'draw records in the terminal, or as SVG', load: () => import('./chart.ts') },
  {
    words: 'sandbox stripe',
    summary: 'a stand-in Stripe account, for trials and tests',
    load: () => import('./sandbox/stripe.ts'),
  },
  { words: 'completion', summary: 'print the completion script of a shell', load: () => import('./completion.ts') },
];
