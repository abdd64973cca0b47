import { trackingEvents } from '../events.mjs';

/** @type {import('../run.mjs').Question} */
export default {
  title: 'Local stream: append',
  note: 'A million tracking events into a new stream of one shard, each by its id, and on the disk at the end. The plain loop writes the blocks that come and calls fdatasync every 100 ms; LMDB and SQLite keep a record under each number.',
  kind: 'rate',
  records: 1_000_000,
  input: trackingEvents,
  contenders: {
    'buda put-stream': {
      run: 'buda put-stream local:append -q',
      before: 'rm -rf $BUDA_HOME/streams/append',
    },
    'the plain loop': { run: 'node $REPO/bench/programs/append.mjs $SCRATCH/append.dat' },
    LMDB: { run: 'node $REPO/bench/programs/append-lmdb.cjs $SCRATCH/lmdb', needs: 'npm:lmdb', share: 1 / 2 },
    SQLite: { run: 'python3 $REPO/bench/programs/append-sqlite.py $SCRATCH/append.sqlite', needs: 'python3', share: 1 / 2 },
  },
  goals: [
    { of: 'buda put-stream', over: 'the plain loop', times: 0.7 },
    { of: 'buda put-stream', over: 'LMDB', times: 2.5 },
  ],
};
