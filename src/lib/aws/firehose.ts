import { FirehoseClient, PutRecordBatchCommand } from '@aws-sdk/client-firehose';
import type { KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { awsError } from './errors.ts';
import { AnswerReader } from './put-answer.ts';
import { BodyWriter } from './put-body.ts';
import { type PutOptions, type PutRecords, recordPutter } from './put-records.ts';
import { clientSettings } from './session.ts';

/** Firehose, as far as buda needs it. Each request is tried once and throws an AwsError; `signal` gives it up. */
export class Firehose {
  readonly #client = new FirehoseClient(clientSettings());

  /** What puts records into a stream of Firehose, a request a call. */
  putter(stream: string, options: PutOptions = {}): PutRecords {
    const action = {
      // Made as those of Kinesis are, as far as a putter knows them.
      command: () => new PutRecordBatchCommand({ DeliveryStreamName: stream, Records: [] }) as unknown as PutRecordsCommand,
      body: new BodyWriter({ stream: { DeliveryStreamName: stream }, hasKeys: false }),
      answer: new AnswerReader('firehose'),
    };
    const put = recordPutter(this.#client as unknown as KinesisClient, action, options);
    return async (entries) => {
      try {
        return await put(entries);
      } catch (error) {
        throw awsError(error, `putting records into firehose:${stream}`);
      }
    };
  }

  close(): void {
    this.#client.destroy();
  }
}
