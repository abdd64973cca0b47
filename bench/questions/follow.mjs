/** @type {import('../run.mjs').Question} */
export default {
  title: 'Local stream: a follower',
  note: 'A record each 10 ms; the 95th percentile of the time from its acknowledgement to its arrival behind `buda get-stream`.',
  kind: 'told',
  contenders: { 'buda get-stream': { run: 'node $REPO/bench/programs/follow.mjs $SCRATCH', alone: true } },
  goals: [{ of: 'buda get-stream', atMostMs: 50 }],
};
