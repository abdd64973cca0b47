import type { Call } from '../command.ts';
import { Failure } from '../errors.ts';
import { type Cuts, defaultCuts } from './epochs.ts';
import { type Place, parsePlace } from './positions.ts';

/** What get-stream is to read, of whatever kind the stream is. */
export interface Plan {
  /** Where a shard without a checkpoint begins. */
  position: Place;
  /** The last place that is read: a sequence number is included, a time is not. */
  until: Place | undefined;
  exitAtEnd: boolean;
  count: number | undefined;
  /** Under an app: how epochs are cut. Without one, records leave as they come. */
  cuts: Cuts | undefined;
}

/** The plan that the options of get-stream make. Throws a Failure (2) for a place that is none. */
export function planOf(call: Call): Plan {
  const { app, position, until, exitAtEnd, count, epoch } = call.options as {
    app?: string;
    position?: string;
    until?: string;
    exitAtEnd?: boolean;
    count?: number;
    epoch?: Cuts;
  };
  const nowMs = Date.now();
  const isAnywhere = position === undefined || position === 'checkpoint';
  const to = until === undefined ? undefined : parsePlace('--until', until, nowMs);
  if (to?.kind === 'beginning') throw new Failure('usage', '--until beginning would read nothing');
  return {
    position: isAnywhere ? { kind: 'beginning' } : parsePlace('--position', position, nowMs),
    until: to?.kind === 'end' ? undefined : to,
    exitAtEnd: exitAtEnd === true || to?.kind === 'end',
    count,
    cuts: app === undefined ? undefined : { ...defaultCuts, ...epoch },
  };
}
