import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { codeOf, Failure } from '../errors.ts';

/**
 * The values of a small file of lines that buda wrote itself. A line that is not JSON means that the file was damaged: 65,
 * since the package that parses may drop good lines beside a bad one. Not for anybody's data: that is what lib/lines.ts is for.
 */
export async function* readNdjson(path: string): AsyncGenerator<unknown> {
  const { default: ndjson } = await import('ndjson');
  const values = ndjson.parse({ strict: true });
  // What fails here fails the loop below as well.
  pipeline(createReadStream(path), values).catch(() => {});
  try {
    yield* values as AsyncIterable<unknown>;
  } catch (error) {
    if (codeOf(error) !== '') throw error;
    throw new Failure('badData', `${path} is damaged: a line of it is not JSON`, undefined, error);
  }
}
