/**
 * What the package offers to a program of its users: types for a function that `buda transform ./mine.js` runs.
 * Types alone, without an import: the build hands this file out as it stands.
 */

/** A record as it was parsed: its numbers are JavaScript's. */
export interface JsonRecord {
  [field: string]: unknown;
}

/** What becomes of a record: another in its place, several, or nothing. */
export type Transformed<Out extends object = JsonRecord> = Out | readonly Out[] | null | undefined;

/**
 * The default export of a file for `buda transform ./mine.js`:
 *
 *     import type { Transform } from 'buda';
 *     const mine: Transform = (record) => (record.type === 'ping' ? undefined : record);
 *     export default mine;
 *
 * It may be async. What it throws, and what it gives that is no record, rejects the record.
 */
export type Transform<In extends object = JsonRecord, Out extends object = JsonRecord> = (
  record: In,
) => Transformed<Out> | PromiseLike<Transformed<Out>>;
