import { flag, size, text } from '../options.ts';
import { windowOption } from './window.ts';

/** The options of whatever drops repeats. `count`: the window where none is given, undefined for all; `when`: what their summaries begin with. */
export function rememberingOptions(count?: number, when = '') {
  return {
    window: windowOption(count, when),
    time: text(
      '--time <PATH>',
      `${when}the time in the records, for a window of time (default created_at, created, occurred_at or timestamp)`,
    ),
    memory: size('--memory <SIZE>', `${when}what is remembered in memory; the rest lies on disk`, 256 * 1024 ** 2, '256MiB'),
    rebuild: flag('--rebuild', `${when}under an app: forget what was seen under other options, and begin anew`),
  };
}
