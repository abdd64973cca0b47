import {
  DeleteStreamCommand,
  DescribeStreamSummaryCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand,
  ListStreamsCommand,
  PutRecordsCommand,
} from '@aws-sdk/client-kinesis';
import { awsError } from './errors.ts';
import { AnswerReader } from './put-answer.ts';
import { BodyWriter } from './put-body.ts';
import { type PutOptions, type PutRecords, recordPutter } from './put-records.ts';
import { clientSettings } from './session.ts';

/** A record as GetRecords gave it; `arrivedAtMs` is about when it came, in milliseconds since 1970. */
export interface KinesisRecord {
  data: Uint8Array;
  partitionKey: string;
  sequenceNumber: string;
  arrivedAtMs: number;
}

/** A shard as ListShards tells of it; both ends of `hashKeys` are its own. */
export interface KinesisShard {
  id: string;
  /** The shards that it was split or merged from; one that has passed out of retention is named still. */
  parents: readonly string[];
  hashKeys: { first: bigint; last: bigint };
  isClosed: boolean;
  firstSequenceNumber: string;
}

/** Where an iterator begins. */
export type IteratorStart =
  | { type: 'TRIM_HORIZON' }
  | { type: 'LATEST' }
  | { type: 'AT_SEQUENCE_NUMBER'; sequenceNumber: string }
  | { type: 'AFTER_SEQUENCE_NUMBER'; sequenceNumber: string }
  | { type: 'AT_TIMESTAMP'; atMs: number };

/** One answer of GetRecords: the records in the order of the shard, perhaps none. */
export interface Reading {
  records: KinesisRecord[];
  /** Undefined at the end of a closed shard. */
  next: string | undefined;
  /** How far the last record is behind the tip, by the service's clock; 0 at the tip. */
  lagMs: number;
}

/** What DescribeStreamSummary says; `status`, `mode` and `encryption` are the service's own words. */
export interface KinesisSummary {
  name: string;
  arn: string;
  status: string;
  mode: string;
  openShards: number;
  retentionHours: number;
  createdAt: Date | undefined;
  encryption: string;
}

/** Kinesis, as far as buda needs it. Every method tries once and throws an AwsError; `signal` gives a request up. */
export class Kinesis {
  readonly #client: KinesisClient;

  constructor(client: KinesisClient = new KinesisClient(clientSettings())) {
    this.#client = client;
  }

  /** What puts records into a stream, a request a call. */
  putter(stream: string, options: PutOptions = {}): PutRecords {
    const action = {
      command: () => new PutRecordsCommand({ StreamName: stream, Records: [] }),
      body: new BodyWriter({ stream: { StreamName: stream }, hasKeys: true }),
      answer: new AnswerReader(),
    };
    const put = recordPutter(this.#client, action, options);
    return (entries) => this.#send(() => put(entries), `putting records into kinesis:${stream}`);
  }

  /** Every shard that still holds records, open or closed. */
  async shards(stream: string, signal?: AbortSignal): Promise<KinesisShard[]> {
    const shards: KinesisShard[] = [];
    let token: string | undefined;
    do {
      const command = new ListShardsCommand(token === undefined ? { StreamName: stream } : { NextToken: token });
      const page = await this.#send(
        () => this.#client.send(command, { abortSignal: signal }),
        `listing the shards of kinesis:${stream}`,
      );
      for (const shard of page.Shards ?? []) {
        shards.push({
          id: shard.ShardId ?? '',
          parents: [shard.ParentShardId, shard.AdjacentParentShardId].filter((id) => id !== undefined && id !== null),
          hashKeys: {
            first: BigInt(shard.HashKeyRange?.StartingHashKey ?? 0),
            last: BigInt(shard.HashKeyRange?.EndingHashKey ?? 0),
          },
          isClosed: (shard.SequenceNumberRange?.EndingSequenceNumber ?? undefined) !== undefined,
          firstSequenceNumber: shard.SequenceNumberRange?.StartingSequenceNumber ?? '0',
        });
      }
      token = page.NextToken ?? undefined;
    } while (token !== undefined);
    return shards;
  }

  /** An iterator lives five minutes: it is never state, a sequence number is. */
  async iterator(stream: string, shard: string, start: IteratorStart, signal?: AbortSignal): Promise<string> {
    const command = new GetShardIteratorCommand({
      StreamName: stream,
      ShardId: shard,
      ShardIteratorType: start.type,
      ...('sequenceNumber' in start ? { StartingSequenceNumber: start.sequenceNumber } : {}),
      ...('atMs' in start ? { Timestamp: new Date(start.atMs) } : {}),
    });
    const { ShardIterator } = await this.#send(
      () => this.#client.send(command, { abortSignal: signal }),
      `taking a place in ${shard} of kinesis:${stream}`,
    );
    return ShardIterator ?? '';
  }

  async read(stream: string, shard: string, iterator: string, limit: number, signal?: AbortSignal): Promise<Reading> {
    const command = new GetRecordsCommand({ ShardIterator: iterator, Limit: limit });
    const answer = await this.#send(
      () => this.#client.send(command, { abortSignal: signal }),
      `reading ${shard} of kinesis:${stream}`,
    );
    return {
      records: (answer.Records ?? []).map((record) => ({
        data: record.Data ?? new Uint8Array(),
        partitionKey: record.PartitionKey ?? '',
        sequenceNumber: record.SequenceNumber ?? '',
        arrivedAtMs: record.ApproximateArrivalTimestamp?.getTime() ?? 0,
      })),
      next: answer.NextShardIterator ?? undefined,
      lagMs: answer.MillisBehindLatest ?? 0,
    };
  }

  async names(): Promise<string[]> {
    const names: string[] = [];
    for (;;) {
      const command = new ListStreamsCommand({ ExclusiveStartStreamName: names.at(-1) });
      const page = await this.#send(() => this.#client.send(command), 'listing the streams of Kinesis');
      const found = page.StreamNames ?? [];
      names.push(...found);
      if (page.HasMoreStreams !== true || found.length === 0) return names;
    }
  }

  async summary(stream: string): Promise<KinesisSummary> {
    const command = new DescribeStreamSummaryCommand({ StreamName: stream });
    const { StreamDescriptionSummary: found } = await this.#send(
      () => this.#client.send(command),
      `describing kinesis:${stream}`,
    );
    return {
      name: found?.StreamName ?? stream,
      arn: found?.StreamARN ?? '',
      status: found?.StreamStatus ?? '',
      mode: found?.StreamModeDetails?.StreamMode ?? 'PROVISIONED',
      openShards: found?.OpenShardCount ?? 0,
      retentionHours: found?.RetentionPeriodHours ?? 0,
      createdAt: found?.StreamCreationTimestamp,
      encryption: found?.EncryptionType ?? 'NONE',
    };
  }

  async delete(stream: string): Promise<void> {
    const command = new DeleteStreamCommand({ StreamName: stream });
    await this.#send(() => this.#client.send(command), `deleting kinesis:${stream}`);
  }

  /** How far the service's clock is ahead of this machine's, in milliseconds, as the SDK learns it from the Date of its answers: that is in whole seconds, so that it may be a second too low. */
  get clockOffsetMs(): number {
    return this.#client.config.systemClockOffset;
  }

  close(): void {
    this.#client.destroy();
  }

  async #send<T>(request: () => Promise<T>, doing: string): Promise<T> {
    try {
      return await request();
    } catch (error) {
      throw awsError(error, doing);
    }
  }
}
