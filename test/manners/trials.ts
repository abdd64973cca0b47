import { entries } from '../../src/commands/index.ts';

/** How a command is called here, and what it reads. */
export interface Trial {
  words: string;
  /** What stands behind them. */
  args?: string;
  /** Which of the inputs below stdin is; a command that reads none has none. */
  input?: 'events' | 'dump' | 'movements';
  /** Its output is longer than a pipe holds. */
  writesMuch?: boolean;
  /** It writes nothing to stdout here. */
  writesNothing?: boolean;
}

const trials: Trial[] = [
  { words: 'produce stripe', args: '--from -', input: 'dump', writesMuch: true },
  { words: 'transform FILE', args: './mine.js', input: 'events', writesMuch: true },
  { words: 'transform mrr', input: 'dump', writesNothing: true },
  { words: 'transform flatten', input: 'events', writesMuch: true },
  { words: 'transform validate', args: '--schema schema.json', input: 'events', writesMuch: true },
  { words: 'transform dedupe', input: 'events', writesMuch: true },
  { words: 'transform hash', args: '--field email --key-file key', input: 'events', writesMuch: true },
  { words: 'transform sql', args: "'SELECT record FROM input'", input: 'events', writesMuch: true },
  { words: 'each', args: '-- cat', input: 'events', writesMuch: true },
  { words: 'run', args: "'each -- cat | cat'", input: 'events', writesMuch: true },
  { words: 'put-stream', args: 'trial', input: 'events', writesNothing: true },
  { words: 'put-firehose', args: 'trial', input: 'events', writesNothing: true },
  { words: 'put-s3', args: 's3://lake/trial --object-size 64KiB', input: 'events' },
  { words: 'put-table', args: 'trial', input: 'events', writesNothing: true },
  { words: 'get-stream', args: 'tracking_events -e', writesMuch: true },
  { words: 'chart', args: '--x created_at --y n', input: 'events' },
  { words: 'query', args: "'SELECT range FROM range(20000)'", writesMuch: true },
  { words: 'stream list' },
  { words: 'stream describe', args: 'tracking_events' },
  { words: 'stream delete', args: 'nothing', writesNothing: true },
  { words: 'state list' },
  { words: 'state show', args: 'known' },
  { words: 'state set', args: 'known 1', writesNothing: true },
  { words: 'state remove', args: 'unknown', writesNothing: true },
  { words: 'dead-letter list', args: 'bad.ndjson' },
  { words: 'dead-letter show', args: 'bad.ndjson' },
  { words: 'dead-letter replay', args: 'bad.ndjson' },
  { words: 'sandbox stripe', args: '--customers 2 --months 2' },
  { words: 'completion', args: 'bash' },
];

/** The trials of the commands that there are. */
export const known = trials.filter(({ words }) => entries.some((entry) => entry.words === words));

/** Commands without a trial: a new command has to be added above. */
export const untried = entries.map(({ words }) => words).filter((words) => !trials.some((trial) => trial.words === words));

/** A command line of the trial, with more options. */
export function lineOf({ words, args = '' }: Trial, options = ''): string {
  // `transform FILE`: the file stands in the place of a word.
  return words.endsWith(' FILE') ? `buda ${words.slice(0, -5)} ${args} ${options}` : `buda ${words} ${options} ${args}`;
}
