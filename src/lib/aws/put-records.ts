import type { Readable } from 'node:stream';
import {
  type KinesisClient,
  PutRecordsCommand,
  type PutRecordsCommandInput,
  type PutRecordsResultEntry,
} from '@aws-sdk/client-kinesis';
import { BodyWriter, type PutEntry } from './put-body.ts';

/** What became of one entry; `error` is the service's code where it was not taken. The shard is told only where that was asked for. */
export type PutOutcome = { error: string } | { error: undefined; shard: string | undefined };

/** One PutRecords: an outcome an entry, in order; undefined for entries that the answer did not speak of. */
export type PutRecords = (entries: readonly PutEntry[]) => Promise<readonly (PutOutcome | undefined)[]>;

/** What a putter is told once, for all of its requests. */
export interface PutOptions {
  /** Gives up what is under way. */
  signal?: AbortSignal;
  /** Whether the outcomes tell their shards: to read them out of the answer takes its time. */
  tellsShards?: boolean;
}

/** A request whose body is there already; the service's answer comes to stand beside it. */
interface Exchange extends PutRecordsCommandInput {
  readonly body: Buffer;
  answer?: Buffer;
}

/** Who puts more than these goes on for a while. */
const manyRequests = 8;

const taken: PutOutcome = { error: undefined, shard: undefined };

/**
 * Puts records by bodies that are made from their bytes and handed to the SDK's client below its serialiser: credentials, endpoint,
 * signing, errors and whatever else its middlewares do are what they always are. They are put together once, not for each request.
 * What the SDK throws is thrown on.
 */
export function recordPutter(client: KinesisClient, stream: string, { signal, tellsShards = false }: PutOptions): PutRecords {
  const command = new PutRecordsCommand({ StreamName: stream, Records: [] });
  command.middlewareStack.add(
    (next) => (args) => {
      (args.request as { body: unknown }).body = (args.input as Exchange).body;
      return next(args);
    },
    // Before the body's length is looked at, and it is signed.
    { step: 'build', priority: 'high', name: 'readyBody' },
  );
  command.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const response = result.response as { statusCode: number; body: unknown };
      if (response.statusCode === 200) {
        (args.input as Exchange).answer = await collect(response.body as Readable);
        response.body = new Uint8Array();
      }
      return result;
    },
    // Nearest to the wire: the SDK's own reader finds an answer without content, or an error as always.
    { step: 'deserialize', priority: 'low', name: 'readyAnswer' },
  );
  const send = command.resolveMiddleware(client.middlewareStack, client.config, { abortSignal: signal });
  const writer = new BodyWriter(stream);
  /** Memory of bodies that nobody looks at any more. */
  const spares: Buffer[] = [];
  let sent = 0;
  return async (entries) => {
    if (++sent === manyRequests) (await import('../v8.ts')).compileLess();
    const body = writer.write(entries, spares.pop());
    const exchange: Exchange = { ...command.input, body };
    await send({ ...command, input: exchange });
    spares.push(Buffer.from(body.buffer));
    return outcomesOf(exchange.answer ?? Buffer.alloc(0), entries.length, tellsShards);
  };
}

/** By events: an iterator over a stream costs as much as the rest of the answer. */
function collect(stream: Readable): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    stream.on('data', (piece: Buffer) => pieces.push(piece));
    stream.on('end', () => resolve(Buffer.concat(pieces)));
    stream.on('error', reject);
  });
}

/** As a rule all were taken: then it is enough that none has an error and each has a sequence number. Throws SyntaxError for what is no JSON. */
function outcomesOf(answer: Buffer, count: number, tellsShards: boolean): (PutOutcome | undefined)[] {
  const text = answer.toString('latin1');
  if (!tellsShards && !text.includes('"ErrorCode"') && timesIn(text, '"SequenceNumber":"') === count)
    return new Array(count).fill(taken);
  const { Records: results = [] } = JSON.parse(text) as { Records?: PutRecordsResultEntry[] };
  return Array.from({ length: count }, (_, index) => {
    const result = results[index];
    if (result?.ErrorCode) return { error: result.ErrorCode };
    return result?.SequenceNumber ? { error: undefined, shard: result.ShardId } : undefined;
  });
}

function timesIn(text: string, word: string): number {
  let times = 0;
  let step = word.length;
  for (let at = text.indexOf(word); at >= 0; times++) {
    // As far behind it as the one before was, as a rule.
    const next = text.startsWith(word, at + step) ? at + step : text.indexOf(word, at + word.length);
    step = next - at;
    at = next;
  }
  return times;
}
