import type { Kinesis } from '../../aws/kinesis.ts';
import { defaultPace, type Pace } from '../../aws/pace.ts';

/** How Kinesis is read beside that, and the service itself. */
export interface Tuning extends Pace {
  /** How long to wait at the tip of a shard before it is read again. */
  pollMs: number;
  /** The least time between two reads of a shard: Kinesis allows five a second to all its readers together. */
  spacingMs: number;
  /** Opens the door; the SDK behind it is loaded only now. */
  open: () => Promise<Kinesis>;
}

/** As it is outside of tests. */
export const defaultTuning: Tuning = {
  ...defaultPace,
  pollMs: 1_000,
  spacingMs: 200,
  open: async () => new (await import('../../aws/kinesis.ts')).Kinesis(),
};
