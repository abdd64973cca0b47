import { Failure } from '../errors.ts';

/** A name as SQL takes it, whatever is in it. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text as SQL takes it. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A path that stands for itself where a pattern of files is expected. */
export function quotePath(path: string): string {
  return quoteText(path.replace(/[[*?]/g, '[$&]'));
}

/** Refuses (2) what cannot be, or must not be, the name of a user's table. */
export function checkTableName(name: string): string {
  if (name === '' || name.includes('\0')) throw new Failure('usage', `${JSON.stringify(name)} is no name for a table`);
  if (/^_buda_/i.test(name))
    throw new Failure('usage', 'tables whose names begin with _buda_ are kept by buda itself', 'choose another name');
  return name;
}
