/** A node of DuckDB's own tree of a statement, as json_serialize_sql gives it. */
// biome-ignore lint/suspicious/noExplicitAny: the tree is DuckDB's.
export type Node = any;

/** JavaScript's numbers do not hold all of DuckDB's: those are kept as text behind a character that no query has. */
export function parseTree(json: string): Node {
  const safe = json.replace(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g, (token) =>
    token[0] === '"' || String(Number(token)) === token ? token : `"\\u0001${token}"`,
  );
  return JSON.parse(safe);
}

/** The same tree as DuckDB reads it. */
export function writeTree(tree: Node): string {
  return JSON.stringify(tree).replace(/"\\u0001(-?\d[\d.eE+-]*)"/g, '$1');
}

/** A column of the answer that is a field as it is written: which one. `record` is the record itself. */
export interface Passed {
  /** The name of the answer's column. */
  name: string;
  field: string;
}

/** The column of the table `input` that has a field's value as it is written. */
export function rawName(field: string): string {
  return `_buda_raw_${field}`;
}

/** Stands in a table that has no columns. */
export const noColumn = '_buda_none';

/** Whether a name of a column is that of the record itself. */
export function isRecord(name: string): boolean {
  return name.toLowerCase() === 'record';
}

/** How many nodes of a tree, and of all in it, are counted. */
export function count(node: Node, isCounted: (node: Node) => boolean): number {
  if (typeof node !== 'object' || node === null) return 0;
  let sum = isCounted(node) ? 1 : 0;
  for (const inner of Object.values(node)) sum += count(inner, isCounted);
  return sum;
}

/**
 * Where a query hands a field on as it is, it asks for the value as it is written: changes the tree so. Not where rows are grouped or made one,
 * since values that are equal may be written in many ways.
 */
export function passOn(
  root: Node,
  names: readonly string[],
  tables: ReadonlyMap<string, readonly string[]>,
): Map<number, Passed> {
  const passed = new Map<number, Passed>();
  const inputs = isPlain(root) ? inputsIn(root.from_table) : [];
  if (inputs.length === 0) return passed;
  const others = new Set([...tables.values()].flat().map((name) => name.toLowerCase()));
  const own = new Map(names.map((name) => [name.toLowerCase(), name]));
  const orders: Node[] = root.modifiers.flatMap(({ orders: some }: Node) => some ?? []).map(({ expression }: Node) => expression);
  // The order of all columns is that of their values.
  if (orders.some(({ class: kind }) => kind === 'STAR')) return passed;
  for (const [i, column] of root.select_list.entries()) {
    if (column.class !== 'COLUMN_REF') continue;
    const path: string[] = column.column_names;
    const name = path.at(-1) as string;
    const field = own.get(name.toLowerCase());
    const isOurs =
      field !== undefined &&
      (path.length === 1
        ? inputs.length === 1 && !others.has(name.toLowerCase())
        : path.length === 2 && inputs.includes((path[0] as string).toLowerCase()));
    if (!isOurs) continue;
    const shown = column.alias === '' ? name : column.alias;
    const isNamed = (node: Node) =>
      node.class === 'COLUMN_REF' && node !== column && node.column_names[0].toLowerCase() === shown.toLowerCase();
    // Another name for it may be what the rest of the query means.
    if (shown.toLowerCase() !== name.toLowerCase() && count(root, isNamed) > 0) continue;
    const isOrder = (node: Node) => node.class === 'CONSTANT' && node.value.value === i + 1;
    for (const order of orders) {
      if (!isOrder(order)) continue;
      for (const key of Object.keys(order)) delete order[key];
      Object.assign(order, column, { alias: '' });
    }
    passed.set(i, { name: shown, field });
    column.column_names = [...path.slice(0, -1), rawName(isRecord(field) ? 'record' : field)];
    column.alias = '';
  }
  return passed;
}

/** A SELECT of rows as they are: none grouped, none made one. */
function isPlain(root: Node): boolean {
  return (
    root.type === 'SELECT_NODE' &&
    root.group_expressions.length === 0 &&
    root.aggregate_handling === 'STANDARD_HANDLING' &&
    root.cte_map.map.length === 0 &&
    !root.modifiers.some(({ type }: Node) => type === 'DISTINCT_MODIFIER')
  );
}

/** Whether the star of a query is that of all fields, and nothing else is in its place. */
export function isSpread(root: Node): boolean {
  if (!isPlain(root) || root.from_table.type !== 'BASE_TABLE' || inputsIn(root.from_table).length === 0) return false;
  const orders: Node[] = root.modifiers.flatMap(({ orders: some }: Node) => some ?? []);
  if (orders.some(({ expression }) => expression.class !== 'COLUMN_REF')) return false;
  return root.select_list.some(
    (node: Node) =>
      node.class === 'STAR' &&
      node.columns === false &&
      node.expr === null &&
      node.replace_list.length === 0 &&
      node.rename_list.length === 0 &&
      node.qualified_exclude_list.length === 0,
  );
}

/** Puts the fields in the place of the star. */
export function spreadStar(root: Node, fields: readonly string[]): void {
  const i = root.select_list.findIndex((node: Node) => node.class === 'STAR');
  const star = root.select_list[i];
  const left = new Set((star.exclude_list as string[]).map((name) => name.toLowerCase()));
  const columns = fields
    .filter((name) => !left.has(name.toLowerCase()))
    .map((name) => ({ ...columnNode, query_location: star.query_location, column_names: [name] }));
  root.select_list.splice(i, 1, ...columns);
  if (root.select_list.length === 0) root.select_list.push({ ...columnNode, query_location: 0, column_names: [noColumn] });
}

const columnNode = { class: 'COLUMN_REF', type: 'COLUMN_REF', alias: '' };

/** The names under which `input` is one of the tables that are joined; none where anything else than tables is. */
function inputsIn(from: Node): string[] {
  if (from.type === 'JOIN') {
    const [left, right] = [inputsIn(from.left), inputsIn(from.right)];
    return isTables(from) ? [...left, ...right] : [];
  }
  if (from.type !== 'BASE_TABLE' || from.table_name.toLowerCase() !== 'input') return [];
  return [(from.alias || 'input').toLowerCase()];
}

function isTables(from: Node): boolean {
  return from.type === 'JOIN' ? isTables(from.left) && isTables(from.right) : from.type === 'BASE_TABLE';
}
