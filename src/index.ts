/**
 * What the package offers to a program of its users: types for a function that `buda transform ./mine.js` runs.
 * Types alone, without an import: the build hands this file out as it stands.
 */

/** A record: one line that is a JSON object, parsed. */
export type JsonRecord = { [field: string]: unknown };

/** What becomes of a record: another one, several in its place, or nothing. */
export type Change = object | readonly object[] | undefined | null;

/** The default export of your file: called for each record, in order; what it throws rejects the record. */
export type Transform<R extends object = JsonRecord> = (record: R) => Change | PromiseLike<Change>;
