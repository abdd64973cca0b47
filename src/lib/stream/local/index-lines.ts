/**
 * The index of a segment: a line of JSON for each block that was appended, each padded to the same length, so that it is searched by
 * bisection, a killed writer's torn line is seen by the length of the file, and no line straddles a sector of the disk.
 */
export const indexLineBytes = 128;

/** The first line: what a segment begins with. `after` is where the shard ended before it: the bytes between that and its base never were. */
export interface Header {
  buda: 1;
  /** When it was begun. */
  at: number;
  after: number;
  /** Records of the shard before this segment. */
  n: number;
  /** A segment is written in one boot of the machine only. */
  boot: string;
}

/** One block of records, acknowledged. */
export interface Entry {
  /** When it arrived; it never goes back within a shard. */
  at: number;
  /** The position behind its last byte. */
  end: number;
  /** Records of the shard so far, these included. */
  n: number;
  crc: number;
}

/** The last line of a segment that is full; the shard goes on at `next`. */
export interface Seal {
  at: number;
  next: number;
}

/** Any line of an index: one header, then entries, and a seal where the segment is full. */
export type IndexLine = Header | Entry | Seal;

/** The line with its `\n`, filled up with blanks to `indexLineBytes`. */
export function formatIndexLine(line: IndexLine): string {
  return `${JSON.stringify(line).padEnd(indexLineBytes - 1)}\n`;
}

/** Undefined for what a power loss has left of a line. */
export function parseIndexLine(text: string): IndexLine | undefined {
  try {
    const line = JSON.parse(text) as Partial<Header & Entry & Seal>;
    const isEntry = Number.isSafeInteger(line.end) && Number.isSafeInteger(line.n) && Number.isSafeInteger(line.at);
    return isEntry || Number.isSafeInteger(line.next) || line.buda === 1 ? (line as IndexLine) : undefined;
  } catch {
    return undefined;
  }
}

/** Whether it tells of a block of records; undefined does not. */
export function isEntry(line: IndexLine | undefined): line is Entry {
  return line !== undefined && 'end' in line;
}

/** Whether it closes its segment; undefined does not. */
export function isSeal(line: IndexLine | undefined): line is Seal {
  return line !== undefined && 'next' in line;
}
