/** @type {import('../run.mjs').Question} */
export default {
  title: 'Local stream: 1,000 appends a second from eight processes',
  note: 'Each of eight processes appends a record of 214 bytes each 8 ms to one shard and waits until it is safe: the 99th percentile of the waiting, behind 500 appends each that are not counted. For buda a mark follows each record, and is waited for. The plain loop has one file, without a lock, and calls fdatasync for each record.',
  kind: 'told',
  contenders: {
    'buda put-stream': { run: 'node $REPO/bench/programs/appends.mjs buda $SCRATCH', alone: true },
    'the plain loop': { run: 'node $REPO/bench/programs/appends.mjs plain $SCRATCH', alone: true },
  },
  goals: [{ of: 'buda put-stream', over: 'the plain loop', times: 2 }],
};
