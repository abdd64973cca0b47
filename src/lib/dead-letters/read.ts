import { createReadStream } from 'node:fs';
import type { Call } from '../command.ts';
import type { Context } from '../context.ts';
import { codeOf, Failure } from '../errors.ts';
import { BadLine, defaultMaxLineBytes, type Line, readBatches } from '../lines.ts';
import { parseDurationMs, parseTimeMs, text, type Values } from '../options.ts';
import type { DeadLetter } from '../rejects.ts';

/** Which letters are meant. */
export const filterOptions = {
  step: text('--step <NAME>', 'only what this step rejected: --step "transform mrr"'),
  reason: text('--reason <TEXT>', 'only where the reason holds this text'),
  since: text('--since <TIME>', 'only what was rejected since: 2026-11-24T10:00:00Z, or 15m, 7d ago'),
};

/** What every `dead-letter` command reads. */
export const fileArgument = { name: 'FILE', summary: 'the file of dead letters; - is stdin' };

/** A letter holds a line as JSON text, which may be several times as long. */
const maxLineBytes = 8 * defaultMaxLineBytes;
/** So many lines that are no letters are named. */
const maxBadNamed = 5;

/**
 * The letters of a file (`-`: stdin) that the options ask for, each with the line that holds it. Lines that are none, as a full disk
 * leaves them, are passed over, and are a Failure (65) at the end.
 */
export async function* readDeadLetters(
  { args: [file = '-'], options, context }: Pick<Call, 'args' | 'options' | 'context'>,
  nowMs = Date.now(),
): AsyncGenerator<{ letter: DeadLetter; line: Line }> {
  const { step, reason, since } = options as Values<typeof filterOptions>;
  const sinceMs = since === undefined ? undefined : parseSince(since, nowMs);
  const chunks = file === '-' ? context.stdin.chunks() : createReadStream(file);
  const bad: string[] = [];
  const reject = (line: { number: number; reason: string }) => void bad.push(`line ${line.number}: ${line.reason}`);
  try {
    for await (const { lines } of readBatches(chunks, { maxLineBytes, reject, isForeign: true })) {
      for (const line of lines) {
        const letter = parseLetter(line);
        if (typeof letter === 'string') {
          reject({ number: line.number, reason: letter });
          continue;
        }
        if (step !== undefined && letter.step !== step) continue;
        if (reason !== undefined && !letter.reason.includes(reason)) continue;
        if (sinceMs !== undefined && Date.parse(letter.at) < sinceMs) continue;
        yield { letter, line };
      }
      bad.length = Math.min(bad.length, maxBadNamed);
    }
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    throw new Failure(
      'misconfigured',
      `there is no file ${file}`,
      /^(local|kinesis):/.test(file)
        ? `a stream is read by the pipe: buda get-stream ${file} -e | buda dead-letter list -`
        : 'name the file that --dead-letter named',
    );
  }
  if (bad.length > 0)
    throw new Failure('badData', `${file} has lines that are no dead letters: ${bad.join('; ')}`, 'take them out of the file');
}

/** A letter, or why it is none. */
function parseLetter(line: Line): DeadLetter | string {
  try {
    const { record: letter } = line;
    const isLetter = ['reason', 'step', 'position', 'at', 'sha256', 'record'].every((field) => typeof letter[field] === 'string');
    return isLetter ? (letter as unknown as DeadLetter) : 'not a dead letter';
  } catch (error) {
    if (!(error instanceof BadLine)) throw error;
    return error.message;
  }
}

function parseSince(since: string, nowMs: number): number {
  const agoMs = parseDurationMs(since.replace(/^-/, ''));
  const atMs = agoMs === undefined ? parseTimeMs(since) : nowMs - agoMs;
  if (atMs !== undefined) return atMs;
  throw new Failure('usage', `--since takes a time like 2026-11-24T10:00:00Z, or 15m, 7d; not ${JSON.stringify(since)}`);
}

/** The line that was rejected, as it came, without its `\n`; undefined where it was too long to be kept whole. */
export function rejectedBytes({ record, encoding, length }: DeadLetter): Buffer | undefined {
  if (length !== undefined) return undefined;
  return Buffer.from(record, encoding ?? 'utf8');
}

const blockBytes = 64 * 1024;
const newline = Buffer.from('\n');

/** Writes lines, each with its `\n`, many at a time. */
export async function writeLines({ stdout }: Context, lines: AsyncIterable<Buffer>): Promise<void> {
  let pieces: Buffer[] = [];
  let bytes = 0;
  const write = async () => {
    if (bytes > 0) await stdout.write(Buffer.concat(pieces));
    pieces = [];
    bytes = 0;
  };
  try {
    for await (const line of lines) {
      pieces.push(line, newline);
      bytes += line.length + 1;
      if (bytes >= blockBytes) await write();
    }
  } finally {
    await write();
  }
}
