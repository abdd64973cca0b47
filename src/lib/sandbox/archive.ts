import type { Output } from '../context.ts';
import { replaceDurably } from '../durable.ts';
import type { Account } from './account.ts';
import { writeEvent } from './payloads/event.ts';

const blockBytes = 1024 ** 2;

/** Every event of the story so far, oldest first, as the archive that webhooks would have left: a compact line each. */
export function* archiveOf({ events }: Account): Generator<object> {
  for (const event of events) yield writeEvent(event);
}

/** Writes lines of JSON to stdout (`-`), or to a file that is there whole or not at all, for its owner only. */
export async function writeLines(path: string, values: Iterable<object>, stdout: Output): Promise<void> {
  if (path === '-') {
    for (const block of blocksOf(values)) await stdout.write(block);
    return;
  }
  await replaceDurably(path, piecesOf(values));
}

function* piecesOf(values: Iterable<object>): Generator<Buffer> {
  for (const block of blocksOf(values)) yield Buffer.from(block);
}

function* blocksOf(values: Iterable<object>): Generator<string> {
  let block = '';
  for (const value of values) {
    block += `${JSON.stringify(value)}\n`;
    if (block.length < blockBytes) continue;
    yield block;
    block = '';
  }
  if (block !== '') yield block;
}
