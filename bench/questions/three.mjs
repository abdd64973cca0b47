import { trackingEvents } from '../events.mjs';

const steps = (command) => [1, 2, 3].map(() => command).join(' | ');
const hash = 'buda transform hash -q --field user_id --key-file $SCRATCH/key';

/** @type {import('../run.mjs').Question} */
export default {
  title: 'Three steps',
  note: 'In a shell’s pipe: repeats dropped, a field hashed, then made flat; and the same three in one process. Against three times jq, each changing a field.',
  kind: 'rate',
  records: 400_000,
  input: trackingEvents,
  contenders: {
    'buda × 3': {
      before: '[ -f $SCRATCH/key ] || (umask 077; head -c 32 /dev/urandom >$SCRATCH/key)',
      run: `buda transform dedupe -q --window 100000 | ${hash} | buda transform flatten -q`,
    },
    'buda run': {
      run: `buda run -q "transform dedupe --window 100000 | transform hash --field user_id --key-file $SCRATCH/key | transform flatten"`,
    },
    'jq × 3': { run: steps("jq -c '.is_seen = true'"), needs: 'jq', share: 1 / 4 },
    'split2 × 3': { run: steps('node $REPO/bench/programs/split2.mjs change'), share: 1 / 4 },
    'cat × 3 (the limit)': { run: steps('cat') },
  },
  goals: [
    { of: 'buda × 3', over: 'jq × 3', times: 3.6 },
    { of: 'buda run', over: 'jq × 3', times: 7 },
  ],
};
