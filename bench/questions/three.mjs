import { trackingEvents } from '../events.mjs';

const steps = (command) => [1, 2, 3].map(() => command).join(' | ');
const key = '[ -f $SCRATCH/key ] || (umask 077; head -c 32 /dev/urandom >$SCRATCH/key)';
const first = ['transform dedupe --window 100000', 'transform flatten'];
const select = [...first, `transform sql \\"SELECT record FROM input WHERE type <> 'button_clicked'\\"`];
const hash = [...first, 'transform hash --field user_id --key-file $SCRATCH/key'];
const piped = (all) => all.map((step) => `buda ${step.replaceAll('\\"', '"')} -q`).join(' | ');
const together = (all) => `buda run -q "${all.join(' | ')}"`;

/** @type {import('../run.mjs').Question} */
export default {
  title: 'Three steps',
  note: 'In a shell’s pipe: repeats dropped, what is left made flat, and all but one type selected; and the same three in one process. Against three times jq, each changing a field. Then with a field hashed in place of the selection: half of that is HMAC.',
  kind: 'rate',
  records: 1_000_000,
  input: trackingEvents,
  contenders: {
    'buda × 3': { run: piped(select) },
    'buda run': { run: together(select) },
    'buda × 3, one of them hash': { before: key, run: piped(hash), share: 0.4 },
    'buda run, one of them hash': { before: key, run: together(hash), share: 0.4 },
    'jq × 3': { run: steps("jq -c '.is_seen = true'"), needs: 'jq', share: 1 / 10 },
    'split2 × 3': { run: steps('node $REPO/bench/programs/split2.mjs change'), share: 1 / 10 },
    'cat × 3 (the limit)': { run: steps('cat') },
  },
  goals: [
    { of: 'buda × 3', over: 'jq × 3', times: 3.6 },
    { of: 'buda run', over: 'jq × 3', times: 7 },
    { of: 'buda × 3, one of them hash', over: 'jq × 3', times: 3.6 },
  ],
};
