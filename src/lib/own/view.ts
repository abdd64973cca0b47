import type { Line } from '../lines.ts';
import { Scanner } from '../scan.ts';
import { type Field, isPolluted, type RecordWriter } from './writer.ts';

const quote = 0x22;
const minus = 0x2d;
const zero = 0x30;
const nine = 0x39;
const openBracket = 0x5b;
const openBrace = 0x7b;
const letterF = 0x66;
const letterN = 0x6e;
const letterT = 0x74;

/** Digits that a double holds for certain. */
const safeDigits = 15;

/** Records as a function sees them that looks at some of their fields and at nothing else: nothing but these is made of their bytes. */
export interface Views {
  /** The record of a line; undefined where it has to be parsed. */
  of(line: Line): object | undefined;
  has(value: object): boolean;
  /** The record as it is now, as a line: the line itself where nothing was changed. Throws what JSON.stringify throws. */
  write(view: object, writer: RecordWriter): Line;
}

const unread = Symbol('unread');

/** Views with these fields: names as readsOf gives them. */
export function viewsOf(names: readonly string[]): Views {
  const scanner = new Scanner(names);
  const untouched: readonly unknown[] = names.map(() => unread);
  const fields: Field[] = names.map((name) => ({
    name,
    nameBytes: Buffer.byteLength(name),
    start: -1,
    end: -1,
    value: undefined,
  }));
  /** Of the record that is being written: in the order of its line, behind them what the line has not. */
  const touched: Field[] = [];
  const place = (field: Field, start: number, end: number, value: unknown) => {
    let i = touched.length;
    for (; i > 0 && (touched[i - 1] as Field).start > start; i--) touched[i] = touched[i - 1] as Field;
    touched[i] = field;
    field.start = start;
    field.end = end;
    field.value = value;
  };
  /** Whose fields the scanner has found last. */
  let scanned: View | undefined;

  class View {
    readonly #line: Line;
    /** By name, once one has been read or set. */
    #values: unknown[] | undefined;
    /** Which have been set, in this order. */
    #set: number[] | undefined;
    /** Whether an object or an array was read, which may have been changed inside. */
    #isOpened: boolean;

    constructor(line: Line) {
      this.#line = line;
      this.#values = undefined;
      this.#set = undefined;
      this.#isOpened = false;
    }

    static of(line: Line): View | undefined {
      const { block, start, end } = line;
      scanned = undefined;
      if (block === undefined || isPolluted() || !scanner.scan(block, start, end, line.isFinal)) return undefined;
      scanned = new View(line);
      return scanned;
    }

    static has(value: object): value is View {
      return #line in value;
    }

    static read(view: View, i: number): unknown {
      view.#values ??= untouched.slice();
      const known = view.#values[i];
      if (known !== unread) return known;
      if (scanned !== view) View.#scan(view);
      const start = scanner.starts[i] as number;
      if (start < 0) return undefined;
      const isText = scanner.escaped[i] === 0;
      const value = valueAt(view.#line.block as Buffer, start, scanner.ends[i] as number, isText, scanner.isAscii);
      if (typeof value === 'object' && value !== null) view.#isOpened = true;
      view.#values[i] = value;
      return value;
    }

    static set(view: View, i: number, value: unknown): void {
      view.#values ??= untouched.slice();
      view.#values[i] = value;
      if (view.#set === undefined) view.#set = [i];
      else if (!view.#set.includes(i)) view.#set.push(i);
    }

    static write(view: View, writer: RecordWriter): Line {
      if (view.#set === undefined && !view.#isOpened) return view.#line;
      if (scanned !== view) View.#scan(view);
      const values = view.#values as unknown[];
      touched.length = 0;
      for (let i = 0; i < fields.length; i++) {
        const value = values[i];
        const start = scanner.starts[i] as number;
        if (start < 0 || value === unread || !(typeof value === 'object' || view.#set?.includes(i))) continue;
        place(fields[i] as Field, start, scanner.ends[i] as number, value);
      }
      for (let k = 0; view.#set !== undefined && k < view.#set.length; k++) {
        const i = view.#set[k] as number;
        const field = fields[i] as Field;
        if ((scanner.starts[i] as number) >= 0 || values[i] === undefined) continue;
        field.start = -1;
        field.value = values[i];
        touched.push(field);
      }
      return writer.replace(view.#line, touched);
    }

    /** Another line has been scanned since. */
    static #scan(view: View): void {
      const { block, start, end } = view.#line;
      scanner.scan(block as Buffer, start, end);
      scanned = view;
    }
  }

  for (const [i, name] of names.entries()) {
    Object.defineProperty(View.prototype, name, {
      get(this: View) {
        return View.read(this, i);
      },
      set(this: View, value: unknown) {
        View.set(this, i, value);
      },
    });
  }
  return View as Views;
}

/** What JSON.parse makes of a value, which is one. `isText`: a string is its bytes. */
function valueAt(block: Buffer, start: number, end: number, isText: boolean, isAscii: boolean): unknown {
  switch (block[start]) {
    case quote:
      if (isText) return isAscii ? asciiOf(block, start + 1, end - 1) : block.toString('utf8', start + 1, end - 1);
      return JSON.parse(block.toString('utf8', start, end));
    case openBrace:
    case openBracket:
      return JSON.parse(block.toString(isAscii ? 'latin1' : 'utf8', start, end));
    case letterT:
      return true;
    case letterF:
      return false;
    case letterN:
      return null;
    default:
      return numberAt(block, start, end);
  }
}

/** Of many short texts a sixth of the time is saved by calling what `toString` comes to: no type tells of it, but every Node has it. */
function asciiOf(block: Buffer, start: number, end: number): string {
  return (block as Buffer & { latin1Slice(start: number, end: number): string }).latin1Slice(start, end);
}

function numberAt(block: Buffer, start: number, end: number): number {
  const first = block[start] === minus ? start + 1 : start;
  let whole = 0;
  let at = first;
  for (; at < end; at++) {
    const byte = block[at] as number;
    if (byte < zero || byte > nine) break;
    whole = 10 * whole + byte - zero;
  }
  if (at < end || at - first > safeDigits) return Number(block.toString('latin1', start, end));
  return first > start ? -whole : whole;
}
