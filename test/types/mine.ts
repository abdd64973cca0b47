import type { Transform } from 'buda';

/** A user's function in TypeScript, as `buda transform FILE` takes it; the type check of the tests holds it to the package's types. */
const mine: Transform<{ id: string; type?: string }> = async (record) =>
  record.type === 'ignored' ? undefined : [record, { id: `${record.id}_copy` }];

export default mine;

// @ts-expect-error a number is no record
const wrong: Transform = () => 1;
void wrong;
