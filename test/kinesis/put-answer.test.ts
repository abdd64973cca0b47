import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { AnswerReader } from '../../src/lib/aws/put-answer.ts';

const refused = fc.record({
  ErrorCode: fc.constantFrom('ProvisionedThroughputExceededException', 'InternalFailure'),
  ErrorMessage: fc.string(),
});

/** What each service says of a record that it took, or says nothing of. */
const services = {
  kinesis: {
    answer: (results: unknown[]) => ({ FailedRecordCount: 0, Records: results }),
    taken: fc.record({
      SequenceNumber: fc.bigInt({ min: 0n, max: 10n ** 56n }).map(String),
      ShardId: fc.constantFrom('shardId-000000000000', 's'),
    }),
    nothing: fc.constantFrom({}, { SequenceNumber: '' }, { SequenceNumber: null, ErrorCode: null }),
  },
  firehose: {
    answer: (results: unknown[]) => ({ FailedPutCount: 0, Encrypted: false, RequestResponses: results }),
    taken: fc.record({
      RecordId: fc.oneof(fc.stringMatching(/^[A-Za-z0-9+/=]{1,60}$/), fc.constantFrom('RecordId', 'Rec4567890', 'x')),
    }),
    nothing: fc.constantFrom({}, { RecordId: '' }, { RecordId: null, ErrorCode: null }),
  },
};

it.each(['kinesis', 'firehose'] as const)(
  'tells the outcomes that the parsed answer of %s has, wherever it was cut into pieces',
  (service) => {
    const { answer: answerOf, taken, nothing } = services[service];
    const reader = new AnswerReader(service);
    const result = fc.oneof(
      { weight: 40, arbitrary: taken as fc.Arbitrary<object> },
      { weight: 1, arbitrary: refused },
      { weight: 1, arbitrary: nothing },
    );
    fc.assert(
      fc.property(
        fc.array(result, { maxLength: 60 }),
        fc.array(fc.nat(4000), { maxLength: 4 }),
        fc.integer({ min: -1, max: 1 }),
        fc.boolean(),
        (results, cuts, more, asks) => {
          const answer = Buffer.from(JSON.stringify(answerOf(results)));
          const places = [0, ...cuts.map((cut) => Math.min(cut, answer.length)).sort((a, b) => a - b), answer.length];
          const pieces = places.slice(1).map((place, i) => answer.subarray(places[i], place));
          const count = Math.max(0, results.length + more);
          const found = reader.outcomes(pieces, count, asks);
          expect(found.length).toBe(count);
          for (const [i, outcome] of found.entries()) {
            const told = results[i] as
              | Partial<Record<'ErrorCode' | 'SequenceNumber' | 'ShardId' | 'RecordId', string>>
              | undefined;
            if (told?.ErrorCode) expect(outcome).toEqual({ error: told.ErrorCode });
            else if (told?.SequenceNumber || told?.RecordId)
              expect(outcome).toMatchObject({ error: undefined, ...(asks && { shard: told.ShardId }) });
            else expect(outcome).toBeUndefined();
          }
        },
      ),
      { seed: 51, numRuns: 600 },
    );
  },
);

it('takes no answer that is cut, whatever it has of sequence numbers', () => {
  const reader = new AnswerReader();
  const answer = Buffer.from(JSON.stringify({ FailedRecordCount: 0, Records: [{ SequenceNumber: '1', ShardId: 's' }] }));
  for (let end = 0; end < answer.length; end++)
    expect(() => reader.outcomes([answer.subarray(0, end)], 1, false), String(end)).toThrow(SyntaxError);
  expect(reader.outcomes([answer], 1, false)).toEqual([{ error: undefined, shard: undefined }]);
});

it('reads one that is larger than any', () => {
  const records = Array.from({ length: 3000 }, (_, n) => ({ SequenceNumber: String(n + 1), ShardId: 'shardId-000000000000' }));
  const answer = Buffer.from(JSON.stringify({ FailedRecordCount: 0, Records: records }));
  expect(
    new AnswerReader().outcomes([answer], 3000, false).every((outcome) => outcome !== undefined && outcome.error === undefined),
  ).toBe(true);
});
