import { trackingEvents } from '../events.mjs';

/** @type {import('../run.mjs').Question} */
export default {
  title: 'Local stream: read back',
  note: 'A stream of a million tracking events, in one shard, read from its beginning to its end. The plain loop reads the same file in blocks of 128 KiB.',
  kind: 'rate',
  records: 1_000_000,
  input: trackingEvents,
  contenders: {
    'buda get-stream': {
      run: 'buda get-stream local:read -e -q | cat >/dev/null',
      alone: true,
      before: '[ -d $BUDA_HOME/streams/read ] || buda put-stream local:read -q <$INPUT',
    },
    'the plain loop': { run: 'node $REPO/bench/programs/read.mjs $INPUT | cat >/dev/null', alone: true },
    'cat (the limit)': { run: 'cat $INPUT | cat >/dev/null', alone: true },
  },
  goals: [{ of: 'buda get-stream', over: 'the plain loop', times: 0.75 }],
};
