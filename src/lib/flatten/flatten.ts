import { endOfValue, quoteJson, visitMembers } from '../splice/text.ts';

/** Deeper objects are refused: where the stack ends differs from run to run. */
const deepest = 1000;

/** One column: its name, the path of names that it comes from, and its value as JSON. */
interface Column {
  name: string;
  path: string;
  depth: number;
  json: string;
}

/**
 * Turns nested objects into columns whose names are the paths, joined by a separator. Arrays, empty objects and what lies deeper than `depth` are
 * kept as JSON text. Values stay as they are written.
 */
export class Flattener {
  /** The names that several fields had, and how many records that met. */
  readonly collisions = new Map<string, number>();
  readonly separator: string;
  readonly depth: number;
  #isNested = false;

  /** The separator as JSON text without its quotes, read as latin1. */
  constructor(separator: string, depth: number) {
    this.separator = separator;
    this.depth = depth;
  }

  /** The record, which is JSON read as latin1, flattened; undefined where it is flat. A RangeError means that it is nested too deeply. */
  text(text: string): string | undefined {
    const columns: Column[] = [];
    this.#isNested = false;
    this.#gather(text, 0, '', '', 0, columns);
    if (!this.#isNested) return undefined;
    const names = new Set<string>();
    for (const { name } of columns) names.add(name);
    const kept = names.size === columns.length ? columns : this.#settle(columns);
    let flat = '';
    for (const { name, json } of kept) flat += `${flat === '' ? '{' : ','}"${name}":${json}`;
    return `${flat}}`;
  }

  #gather(text: string, at: number, prefix: string, path: string, depth: number, columns: Column[]): number {
    if (depth > deepest) throw new RangeError('nested too deeply');
    return visitMembers(text, at, (name, start) => {
      const first = text[start];
      const column = prefix + name;
      const deeper = `${path}\n${name}`;
      const isText = first === '{' || first === '[';
      if (isText) this.#isNested = true;
      if (first === '{' && depth < this.depth) {
        const before = columns.length;
        const end = this.#gather(text, start, column + this.separator, deeper, depth + 1, columns);
        if (columns.length > before) return end;
      }
      const end = endOfValue(text, start);
      const json = text.slice(start, end);
      columns.push({ name: column, path: deeper, depth, json: isText ? quoteJson(json) : json });
      return end;
    });
  }

  /**
   * Of a field that is there twice the last counts. Where different fields come to one name, the one that lies less deep keeps it, then the first;
   * the others are numbered from 2.
   */
  #settle(columns: readonly Column[]): Column[] {
    const byPath = new Map<string, Column>();
    for (const column of columns) byPath.set(column.path, column);
    const taken = new Set([...byPath.values()].map(({ name }) => name));
    const groups = new Map<string, Column[]>();
    for (const column of byPath.values()) groups.set(column.name, [...(groups.get(column.name) ?? []), column]);
    for (const [name, group] of groups) {
      if (group.length === 1) continue;
      this.#count(name);
      group.sort((a, b) => a.depth - b.depth);
      let number = 2;
      for (const column of group.slice(1)) {
        while (taken.has(`${name}${this.separator}${number}`)) number++;
        column.name = `${name}${this.separator}${number}`;
        taken.add(column.name);
      }
    }
    return [...byPath.values()];
  }

  #count(name: string): void {
    if (this.collisions.size < 1000 || this.collisions.has(name)) this.collisions.set(name, (this.collisions.get(name) ?? 0) + 1);
  }
}
