/**
 * JSON cut and joined as text, so that what is passed on stays as it came: a number keeps its zeros, a string its escapes. A line is read as latin1,
 * one character a byte, and written as it was read. All of these trust that the text is JSON: whoever calls has parsed it.
 */

const tab = 0x09;
const space = 0x20;
const quote = 0x22;
const comma = 0x2c;
const openBracket = 0x5b;
const backslash = 0x5c;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** The place of the next character that is not one of JSON's blanks. */
export function skipBlanks(text: string, from: number): number {
  let at = from;
  for (let code = text.charCodeAt(at); code === space || (code >= tab && code <= 0x0d); ) code = text.charCodeAt(++at);
  return at;
}

/** The place behind the string whose opening quote stands at `at`. */
export function endOfString(text: string, at: number): number {
  for (let end = at + 1; ; end++) {
    const code = text.charCodeAt(end);
    if (code === quote) return end + 1;
    if (code === backslash) end++;
    if (end >= text.length) throw new RangeError('a string does not end');
  }
}

/** The place behind the value that begins at `at`. */
export function endOfValue(text: string, at: number): number {
  const first = text.charCodeAt(at);
  if (first === quote) return endOfString(text, at);
  let end = at;
  if (first !== openBrace && first !== openBracket) {
    for (; end < text.length; end++) {
      const code = text.charCodeAt(end);
      if (code === comma || code === closeBrace || code === closeBracket || code <= space) break;
    }
    return end;
  }
  for (let depth = 0; end < text.length; end++) {
    const code = text.charCodeAt(end);
    if (code === quote) end = endOfString(text, end) - 1;
    else if (code === openBrace || code === openBracket) depth++;
    else if ((code === closeBrace || code === closeBracket) && --depth === 0) return end + 1;
  }
  throw new RangeError('a value does not end');
}

/**
 * Is told of a member of an object, or an element of an array: its name as it is written ('' in an array), and where its value begins. It may give
 * the place behind the value, where it knows it; else that is looked for.
 */
export type Visit = (name: string, start: number) => number | undefined;

/** Visits the members of the object, or the elements of the array, that begins at `at`; gives the place behind it. */
export function visitMembers(text: string, at: number, visit: Visit): number {
  const isObject = text.charCodeAt(at) === openBrace;
  let next = skipBlanks(text, at + 1);
  for (;;) {
    const code = text.charCodeAt(next);
    if (code === closeBrace || code === closeBracket) return next + 1;
    let name = '';
    if (isObject) {
      const endOfName = endOfString(text, next);
      name = text.slice(next + 1, endOfName - 1);
      next = skipBlanks(text, skipBlanks(text, endOfName) + 1);
    }
    const end = visit(name.includes('\\') ? plainName(name) : name, next) ?? endOfValue(text, next);
    next = skipBlanks(text, end);
    if (text.charCodeAt(next) === comma) next = skipBlanks(text, next + 1);
  }
}

/** A name that was written with escapes, with those alone that it needs: so that one name is one text. */
function plainName(name: string): string {
  return toLatin1(JSON.stringify(decode(`"${name}"`))).slice(1, -1);
}

/** The value of a piece of JSON that was read as latin1. */
export function decode(json: string): unknown {
  return JSON.parse(Buffer.from(json, 'latin1').toString('utf8'));
}

/** Text as its UTF-8 bytes, a character each. */
export function toLatin1(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/** A piece of JSON as a JSON string. Of what has to be escaped a line of JSON has only these. */
export function quoteJson(json: string): string {
  return `"${json.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\t', '\\t').replaceAll('\r', '\\r')}"`;
}
