import { bytesOf, instantiate, type WasmMemory, wherePossible } from '../wasm.ts';
import { wasm } from './put-answer-wasm.ts';

/** What became of one entry; `error` is the service's code where it was not taken. The shard is told only where that was asked for. */
export type PutOutcome = { error: string } | { error: undefined; shard: string | undefined };

/** What put-answer-wasm.as exports. */
interface Module {
  memory: WasmMemory;
  heap: { value: number };
  sequences(start: number, end: number): number;
  recordIds(start: number, end: number): number;
}

/** The answers that it reads, by where the outcomes stand in them and what tells that a record was taken. */
const dialects = {
  kinesis: { list: 'Records', id: 'SequenceNumber', count: 'sequences' },
  firehose: { list: 'RequestResponses', id: 'RecordId', count: 'recordIds' },
} as const;

/** One outcome in an answer. */
type Result = Partial<Record<'SequenceNumber' | 'RecordId' | 'ShardId' | 'ErrorCode', string>>;

/** An answer that speaks of 500 records has 65 kB. */
const mostBytes = 128 * 1024;
const slackBytes = 48;
const taken: PutOutcome = { error: undefined, shard: undefined };

/** Reads answers to PutRecords and PutRecordBatch. Source: the API references of Kinesis and of Firehose. */
export class AnswerReader {
  readonly #dialect: (typeof dialects)[keyof typeof dialects];
  readonly #module: Module | undefined;
  readonly #bytes: Buffer = Buffer.alloc(0);
  /** The outcomes of as many records as were put last, all taken. */
  #allTaken: readonly PutOutcome[] = [];

  constructor(service: keyof typeof dialects = 'kinesis') {
    this.#dialect = dialects[service];
    const opened = wherePossible(() => {
      const module = instantiate<Module>(wasm);
      const { memory, heap } = module;
      return { module, bytes: bytesOf(memory, heap.value + mostBytes + slackBytes).subarray(heap.value) };
    });
    this.#module = opened?.module;
    this.#bytes = opened?.bytes ?? this.#bytes;
  }

  /**
   * The outcomes of `count` entries, in order; undefined for those that the answer does not speak of. As a rule all were taken: then it is enough that
   * none has an error and each has a sequence number, if nobody asks for the shards. Throws SyntaxError for what is no JSON.
   */
  outcomes(pieces: readonly Buffer[], count: number, tellsShards: boolean): readonly (PutOutcome | undefined)[] {
    if (!tellsShards && this.#count(pieces) === count) {
      if (this.#allTaken.length !== count) this.#allTaken = new Array<PutOutcome>(count).fill(taken);
      return this.#allTaken;
    }
    const { list, id } = this.#dialect;
    const answer = JSON.parse(Buffer.concat(pieces).toString()) as { [list]?: Result[] } | null;
    const results = answer?.[list] ?? [];
    return Array.from({ length: count }, (_, index) => {
      const result = results[index];
      if (result?.ErrorCode) return { error: result.ErrorCode };
      return result?.[id] ? { error: undefined, shard: result.ShardId } : undefined;
    });
  }

  /** How many records it says were taken; -1 where it may have an error, or is to be read more closely. */
  #count(pieces: readonly Buffer[]): number {
    const bytes = this.#bytes;
    let length = 0;
    for (const piece of pieces) {
      if (this.#module === undefined || length + piece.length > mostBytes) return -1;
      bytes.set(piece, length);
      length += piece.length;
    }
    // It has to be whole: behind `]}` there is nothing.
    if (this.#module === undefined || bytes[length - 2] !== 0x5d || bytes[length - 1] !== 0x7d) return -1;
    bytes.fill(0, length, length + slackBytes);
    const start = this.#module.heap.value;
    return this.#module[this.#dialect.count](start, start + length);
  }
}
