import { isUtf8 } from 'node:buffer';
import { ScanWindow, type WantedName } from './scan-window.ts';

/** What is wanted at one level of a record. */
interface Wanted extends WantedName {
  answer: number;
  readonly inside: Wanted[];
  /** The scan that met it last: to meet it twice in one means that the name comes twice. */
  scan: number;
}

const newline = 0x0a;
const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const deepest = 30;

/** What a byte is to a string: a plain one (0) stands in it as it is. */
const plain = 0;
const escaping = 1;
const wide = 2;
const stop = 3;
/** By byte, inside a string: 0 plain, 1 begins an escape, 2 beyond ASCII, 3 ends it or is not allowed. Source: RFC 8259. */
export const kindOf = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte === quote || byte < 0x20 ? stop : byte === 0x5c ? escaping : byte >= 0x80 ? wide : plain,
);

/** Whether the string that was passed over last has an escape, and whether the line has a byte beyond ASCII so far. */
let hasEscape = false;
let isWide = false;

/** So many lines are walked over here before a window is opened for them: most runs are short. */
const linesBeforeWindow = 64;

/**
 * Finds fields in a record's bytes without making values of them. It walks over the whole line, so that one that is not JSON is noticed as
 * the parse would notice it; what is seldom (an escape in a name, a name that comes twice, deep nesting) it leaves to the parse. The answers
 * stand in arrays until the next scan. The walk is here, and in WebAssembly (scan-wasm.as) for many lines at once; both give the same answers.
 */
export class Scanner {
  /** Where the value of each path begins in the block; -1 where the record has none. */
  readonly starts: Int32Array;
  /** Where it ends, behind its last byte. */
  readonly ends: Int32Array;
  /** 1 for a string in which something is escaped: its text is not its bytes. */
  readonly escaped: Uint8Array;
  /** Whether all of the line that was scanned last is ASCII. */
  isAscii = true;
  /** Whether the line that `scanFrom` met last is a JSON object, and the answers are right. */
  isRecord = false;
  readonly #root: Wanted[] = [];
  /** By depth: what is wanted of the names of the object that is open, and which of them its open value is. */
  readonly #levels: (readonly Wanted[])[] = Array.from({ length: deepest + 1 }, () => []);
  readonly #open: (Wanted | undefined)[] = new Array(deepest + 1).fill(undefined);
  #scans = 0;
  #window: ScanWindow | undefined;
  #linesToWindow = linesBeforeWindow;

  /** Each path is field names joined by dots: `customer.id`. */
  constructor(paths: readonly string[]) {
    this.starts = new Int32Array(paths.length);
    this.ends = new Int32Array(paths.length);
    this.escaped = new Uint8Array(paths.length);
    for (const [answer, path] of paths.entries()) {
      let level = this.#root;
      let wanted: Wanted | undefined;
      for (const name of path.split('.').map((text) => Buffer.from(text))) {
        wanted = level.find((other) => other.name.equals(name));
        if (wanted === undefined) level.push((wanted = { name, answer: -1, inside: [], scan: 0 }));
        level = wanted.inside;
      }
      if (wanted === undefined || wanted.answer >= 0) throw new Error(`the path ${path} is wanted twice`);
      wanted.answer = answer;
    }
  }

  /**
   * Looks through the line from `start` up to `end`. True: it is a JSON object, and the answers are right. False: parse it, it may be anything.
   * `isFinal`: nobody writes into the block any more, so that lines behind this one can be looked at as well.
   */
  scan(block: Buffer, start: number, end: number, isFinal = false): boolean {
    if (isFinal && this.#openWindow() && this.#window?.turnTo(block, start) === end) return this.#take(block, start, end);
    return this.#scanHere(block, start, end);
  }

  /** The same for the line that begins at `start` of a final block: gives where it ends; `isRecord` is what `scan` gives. */
  scanFrom(block: Buffer, start: number): number {
    const end = this.#openWindow() ? (this.#window as ScanWindow).turnTo(block, start) : -1;
    if (end >= 0) {
      this.isRecord = this.#take(block, start, end);
      return end;
    }
    const newlineAt = block.indexOf(newline, start);
    const lineEnd = newlineAt < 0 ? block.length : newlineAt;
    this.isRecord = this.#scanHere(block, start, lineEnd);
    return lineEnd;
  }

  #openWindow(): boolean {
    if (this.#window !== undefined) return true;
    if (--this.#linesToWindow !== 0) return false;
    this.#window = ScanWindow.open(this.#root, this.starts.length);
    return this.#window !== undefined;
  }

  /** Takes the answers that the window has for the line. */
  #take(block: Buffer, start: number, end: number): boolean {
    const { words, at, from } = this.#window as ScanWindow;
    const what = words[at + 2] as number;
    if ((what & 1) === 0) return false;
    const { starts, ends, escaped } = this;
    for (let i = 0, place = at + 3; i < starts.length; i++, place += 3) {
      const found = words[place] as number;
      starts[i] = found < 0 ? -1 : found + from;
      ends[i] = (words[place + 1] as number) + from;
      escaped[i] = words[place + 2] as number;
    }
    this.isAscii = what === 1;
    return this.isAscii || isUtf8(block.subarray(start, end));
  }

  #scanHere(block: Buffer, start: number, end: number): boolean {
    isWide = false;
    for (let i = 0; i < this.starts.length; i++) {
      this.starts[i] = -1;
      this.escaped[i] = 0;
    }
    this.#scans++;
    if (!this.#walk(block, start, end)) return false;
    this.isAscii = !isWide;
    return !isWide || isUtf8(block.subarray(start, end));
  }

  #walk(block: Buffer, start: number, end: number): boolean {
    const levels = this.#levels;
    const open = this.#open;
    let depth = 0;
    // Bit n: what is open at depth n is an object.
    let objects = 0;
    let wanted: Wanted | undefined;
    let level: readonly Wanted[] = this.#root;
    let at = start;
    if (block[at] !== openBrace) return false;
    for (;;) {
      // A value begins here.
      const first = block[at] as number;
      const valueStart = at;
      if (first === openBrace || first === openBracket) {
        if (++depth > deepest) return false;
        if (depth > 1) level = wanted === undefined ? nothing : wanted.inside;
        // A path may lead into an array too, by number: that is left to the parse.
        if (first === openBracket && level.length > 0) return false;
        levels[depth] = level;
        open[depth] = wanted;
        if (wanted !== undefined && wanted.answer >= 0) this.starts[wanted.answer] = valueStart;
        wanted = undefined;
        at = behindBlanks(block, at + 1);
        if (first === openBracket) {
          objects &= ~(1 << depth);
          if (block[at] !== closeBracket) continue;
        } else {
          objects |= 1 << depth;
        }
      } else {
        at = first === quote ? behindString(block, at + 1) : behindWord(block, at, first);
        if (at < 0) return false;
        if (wanted !== undefined && wanted.answer >= 0) this.#answer(wanted.answer, valueStart, at, first === quote && hasEscape);
        wanted = undefined;
        at = behindBlanks(block, at);
      }
      // A value has ended, or an object or an array has just been opened. What follows, up to the next value?
      let isFresh = (first === openBrace || first === openBracket) as boolean;
      for (;;) {
        const byte = block[at] as number;
        const isObject = (objects & (1 << depth)) !== 0;
        if (byte === (isObject ? closeBrace : closeBracket)) {
          at++;
          const closed = open[depth];
          depth--;
          if (depth === 0) return behindBlanks(block, at) === end;
          if (closed !== undefined && closed.answer >= 0)
            this.#answer(closed.answer, this.starts[closed.answer] as number, at, false);
          at = behindBlanks(block, at);
          isFresh = false;
          continue;
        }
        if (!isFresh) {
          if (byte !== comma) return false;
          at = behindBlanks(block, at + 1);
        }
        if (!isObject) break;
        // A name.
        if (block[at] !== quote) return false;
        const nameStart = at + 1;
        at = behindString(block, nameStart);
        if (at < 0 || hasEscape) return false;
        level = levels[depth] as readonly Wanted[];
        if (level.length > 0) {
          wanted = find(level, block, nameStart, at - 1);
          if (wanted !== undefined) {
            if (wanted.scan === this.#scans) return false;
            wanted.scan = this.#scans;
          }
        }
        at = behindBlanks(block, at);
        if (block[at] !== colon) return false;
        at = behindBlanks(block, at + 1);
        break;
      }
    }
  }

  #answer(answer: number, start: number, end: number, isEscaped: boolean): void {
    this.starts[answer] = start;
    this.ends[answer] = end;
    this.escaped[answer] = isEscaped ? 1 : 0;
  }
}

const nothing: readonly Wanted[] = [];

function find(level: readonly Wanted[], block: Buffer, start: number, end: number): Wanted | undefined {
  search: for (const wanted of level) {
    const { name } = wanted;
    if (name.length !== end - start) continue;
    for (let i = 0; i < name.length; i++) if (name[i] !== block[start + i]) continue search;
    return wanted;
  }
  return undefined;
}

/** The next byte that is no blank. A newline is none here: it ends the line. */
function behindBlanks(block: Buffer, from: number): number {
  let at = from;
  while (block[at] === 0x20 || block[at] === 0x0d || block[at] === 0x09) at++;
  return at;
}

/** The place behind the string of which the opening quote stands before `from`; -1 where it is not well formed. */
function behindString(block: Buffer, from: number): number {
  hasEscape = false;
  for (let at = from; ; at++) {
    // Behind the block there is nothing: the last string does not end.
    const kind = kindOf[block[at] as number];
    if (kind === plain) continue;
    if (kind === wide) isWide = true;
    else if (kind === escaping) {
      hasEscape = true;
      at = behindEscape(block, at + 1) - 1;
      if (at < 0) return -1;
    } else return block[at] === quote ? at + 1 : -1;
  }
}

/** The place behind an escape, `from` being the byte after its backslash; -1 where there is no such escape. */
function behindEscape(block: Buffer, from: number): number {
  switch (block[from]) {
    case 0x22: // "
    case 0x5c: // \
    case 0x2f: // /
    case 0x62: // b
    case 0x66: // f
    case 0x6e: // n
    case 0x72: // r
    case 0x74: // t
      return from + 1;
    case 0x75: // u
      for (let at = from + 1; at < from + 5; at++) if (!isHex(block[at])) return -1;
      return from + 5;
    default:
      return -1;
  }
}

function isHex(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  const lower = byte | 0x20;
  return isDigit(byte) || (lower >= 0x61 && lower <= 0x66);
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

/** The place behind a number, true, false or null that begins with `first`; -1 where it is none. */
function behindWord(block: Buffer, from: number, first: number): number {
  if (first === 0x74) return block[from + 1] === 0x72 && block[from + 2] === 0x75 && block[from + 3] === 0x65 ? from + 4 : -1;
  if (first === 0x6e) return block[from + 1] === 0x75 && block[from + 2] === 0x6c && block[from + 3] === 0x6c ? from + 4 : -1;
  if (first === 0x66) {
    const isFalse = block[from + 1] === 0x61 && block[from + 2] === 0x6c && block[from + 3] === 0x73 && block[from + 4] === 0x65;
    return isFalse ? from + 5 : -1;
  }
  let at = first === 0x2d ? from + 1 : from;
  if (block[at] === 0x30) at++;
  else if ((at = behindDigits(block, at)) < 0) return -1;
  if (block[at] === 0x2e && (at = behindDigits(block, at + 1)) < 0) return -1;
  if (block[at] === 0x65 || block[at] === 0x45) {
    const sign = block[at + 1];
    at = behindDigits(block, sign === 0x2b || sign === 0x2d ? at + 2 : at + 1);
  }
  return at;
}

/** The place behind one or more digits; -1 where there is none. */
function behindDigits(block: Buffer, from: number): number {
  let at = from;
  while (isDigit(block[at])) at++;
  return at === from ? -1 : at;
}
