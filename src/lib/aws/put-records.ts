import type { Readable } from 'node:stream';
import type { KinesisClient, PutRecordsCommand, PutRecordsCommandInput } from '@aws-sdk/client-kinesis';
import type { AnswerReader, PutOutcome } from './put-answer.ts';
import type { BodyWriter } from './put-body.ts';
import type { PutEntry } from './put-window.ts';

/** One request that puts records: an outcome an entry, in order; undefined for entries that the answer did not speak of. */
export type PutRecords = (entries: readonly PutEntry[]) => Promise<readonly (PutOutcome | undefined)[]>;

/** What a putter is told once, for all of its requests. */
export interface PutOptions {
  /** Gives up what is under way. */
  signal?: AbortSignal;
  /** Whether the outcomes tell their shards: to read them out of the answer takes its time. */
  tellsShards?: boolean;
}

/** An action of AWS that takes many records at once: PutRecords of Kinesis, and what is made like it. */
export interface PutAction {
  /** A request without records. */
  readonly command: () => PutRecordsCommand;
  readonly body: BodyWriter;
  readonly answer: AnswerReader;
}

/** A request whose body is there already; the service's answer comes to stand beside it. */
interface Exchange extends PutRecordsCommandInput {
  readonly body: Buffer;
  answer?: readonly Buffer[];
}

/** Who puts more than these goes on for a while. */
const manyRequests = 8;

/** What is used of the SDK's request. */
interface Request {
  body: unknown;
  clone(): Request;
}

/**
 * Puts records by bodies that are made from their bytes and handed to the SDK's client below its serialiser: credentials, endpoint,
 * signing, errors and whatever else its middlewares do are what they always are. They are put together once, not for each request.
 * What the SDK throws is thrown on.
 */
export function recordPutter(client: KinesisClient, action: PutAction, { signal, tellsShards = false }: PutOptions): PutRecords {
  const { command, body: writer, answer: reader } = action;
  let sender: Promise<(exchange: Exchange) => Promise<unknown>> | undefined;
  let sent = 0;
  return async (entries) => {
    if (++sent === manyRequests) (await import('../v8.ts')).sendMany();
    sender ??= openSender(client, command, signal).catch((error) => {
      // The next one tries anew: it may have been the network, on the way to credentials.
      sender = undefined;
      throw error;
    });
    const body = writer.write(entries);
    const exchange: Exchange = { Records: [], body };
    await (await sender)(exchange);
    writer.takeBack(body);
    return reader.outcomes(exchange.answer ?? [], entries.length, tellsShards);
  };
}

async function openSender(client: KinesisClient, make: PutAction['command'], signal: AbortSignal | undefined) {
  const template = await serialised(client, make(), signal);
  const command = make();
  const stack = client.middlewareStack.clone();
  // In its place, since others are put before and behind it by its name.
  stack.remove('serializerMiddleware');
  stack.add((next) => (args) => next({ ...args, request: template.clone() }), {
    step: 'serialize',
    name: 'serializerMiddleware',
  });
  command.middlewareStack.add(
    (next) => (args) => {
      (args.request as Request).body = (args.input as Exchange).body;
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
  const send = command.resolveMiddleware(stack, client.config, { abortSignal: signal });
  return (exchange: Exchange) => send({ ...command, input: Object.assign(exchange, command.input) });
}

/** A request as the SDK serialises it, which goes no further. */
async function serialised(
  client: KinesisClient,
  command: PutRecordsCommand,
  abortSignal: AbortSignal | undefined,
): Promise<Request> {
  let request: Request | undefined;
  command.middlewareStack.add(
    () => async (args) => {
      request = args.request as Request;
      return { response: {}, output: { $metadata: {}, Records: [] } };
    },
    { step: 'build', priority: 'high' },
  );
  await client.send(command, { abortSignal });
  return request as unknown as Request;
}

/** By events: an iterator over a stream costs as much as the rest of the answer. */
function collect(stream: Readable): Promise<readonly Buffer[]> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    stream.on('data', (piece: Buffer) => pieces.push(piece));
    stream.on('end', () => resolve(pieces));
    stream.on('error', reject);
  });
}
