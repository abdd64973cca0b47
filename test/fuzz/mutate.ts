/** Lines that once were records, changed by chance that a seed decides: the same seed gives the same bytes. */

/** A whole number from 0 up to `below`. */
export type Chance = (below: number) => number;

/** Chance that a seed decides (mulberry32). */
export function chanceOf(seed: number): Chance {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** The limit that the fuzzed step is given by --max-line, so that lines round it are cheap. */
export const maxLineBytes = 65_536;

const pick = <T>(chance: Chance, values: readonly T[]): T => values[chance(values.length)] as T;

/** What is put into a line: between tokens most of it is no JSON, in a string some of it is, and some makes the line two. */
const insertions = [
  '\0',
  '"',
  '\\',
  '\\"',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '\t',
  '\r',
  '\n',
  '\n\n',
  '\r\n',
  '\u0001',
  '\u007f',
  '\ufeff',
  '\u2028',
  '\u{1f600}',
  '\\ud800',
  '\\udc00x',
  '\\u0000',
  '\\ud83d\\ude00',
  '\\n',
  'null',
  '1e999',
  '-0',
].map((text) => Buffer.from(text));
/** Bytes that are no UTF-8: half a character, a surrogate by itself, one too long, one past the end of Unicode. */
const badBytes = ['80', 'c3', 'eda080', 'c080', 'f8888080', 'f4908080', 'ff'].map((hex) => Buffer.from(hex, 'hex'));

/** Values for fields: each is JSON. */
const values = [
  '12345678901234567890123456789',
  '-9223372036854775809',
  '1e308',
  '1e999',
  '-1e-999',
  '1.0',
  '-0',
  `0.${'1'.repeat(400)}`,
  '9'.repeat(5000),
  'null',
  'true',
  '""',
  '[]',
  '{}',
  '[[],{}]',
  '"\\u0000"',
  '"\\ud800"',
  '"\u2028"',
  '"Infinity"',
  '{"id":{"id":{"id":null}}}',
  '[{"a":1},{"a":[2,[3,[4]]]}]',
  '{"":{"":{"":1}}}',
  '{"a.b":1,"a":{"b":2},"a_b":3}',
];
const names = [
  'id',
  'type',
  'created',
  'revision',
  'data',
  'object',
  '',
  '__proto__',
  'constructor',
  'toString',
  'length',
  'a.b',
  'a_b',
  '\\u0000',
  '\\ud800',
  'then',
  'op',
];
const deepPairs = [
  ['[', ']'],
  ['{"a":', '}'],
  ['[{"":', '}]'],
] as const;
/** Far from where JSON.stringify gives up, which is at some thousand levels. */
const depths = [3, 30, 30, 300, 300, 300, 300, 8000];

/** Whole lines that look like marks, or like nothing that belongs here; none is a mark. */
const strangers = [
  '["buda.mark",1,{"to":5,"c":[]}]',
  '["buda.mark",2,{"to":"5","c":[]}]',
  '["buda.begin",1,{"app":"../../etc","source":"s","run":"r","term":1,"at":0,"from":{}}]',
  '["buda.end",1,{"exit":256}]',
  '["buda.end",1]',
  '["buda.mark",1,{"to":"5","c":[["x",1]]}]',
  '{"buda.mark":1,"to":"5","c":[]}',
  ' ["buda.mark",1,{"to":"5","c":[]}]',
  '[{"id":"e_1"},{"id":"e_2"}]',
  '[]',
  '{}',
  '{"id":null}',
  '{"id":{},"type":[],"created":"never"}',
  'null',
  '"text"',
  '-1',
  'NaN',
  '<html><body>502 Bad Gateway</body></html>',
  '# a comment',
  '',
  '\r',
  ' ',
  '\t',
  '   {"id":"blanks before"}',
  '\ufeff{"id":"e_1"}',
  '{"id":"e_1"}{"id":"e_2"}',
  '{"id":"e_1"},',
  '{"a":[1',
  '2]},{}',
  '{"id":"x","id":"y"}',
].map((text) => Buffer.from(text));

/** One line of the corpus, changed; without the newline that ends it, though it may hold others. */
export function mutate(chance: Chance, line: Buffer): Buffer {
  switch (chance(24)) {
    case 0:
      return line.subarray(0, chance(line.length + 1));
    case 1:
      return line.subarray(chance(line.length));
    case 2:
      return flipped(chance, line);
    case 3:
    case 4:
    case 5:
      return inserted(line, chance(line.length + 1), pick(chance, insertions));
    case 6:
      return inserted(line, chance(line.length + 1), pick(chance, badBytes));
    case 7:
    case 8:
    case 9:
      return withField(line, `"${pick(chance, names)}":${pick(chance, values)}`, chance(2) === 0);
    case 10: {
      const [open, close] = pick(chance, deepPairs);
      const depth = pick(chance, depths);
      return withField(line, `"${pick(chance, names)}":${open.repeat(depth)}1${close.repeat(depth)}`, chance(2) === 0);
    }
    case 11:
      return Buffer.concat([line, Buffer.from('\r')]);
    case 12:
    case 13:
      return pick(chance, strangers);
    case 14:
      return Buffer.concat([line, Buffer.from(pick(chance, [' ', '\t', ',', '}', 'x', '\0']))]);
    case 15:
      return swapped(chance, line);
    case 16:
      return Buffer.concat([Buffer.from('['), line, Buffer.from(']')]);
    case 17:
      return chance(12) === 0 ? atTheLimit(chance) : line;
    case 18:
      return chance(2000) === 0
        ? Buffer.concat([Buffer.from('{"long":"'), Buffer.alloc(5_000_000, 'x'), Buffer.from('"}')])
        : line;
    case 19:
      return mutate(chance, mutate(chance, line));
    default:
      return line;
  }
}

function flipped(chance: Chance, line: Buffer): Buffer {
  const copy = Buffer.from(line);
  for (let i = chance(4); i >= 0; i--) if (copy.length > 0) copy[chance(copy.length)]! ^= 1 << chance(8);
  return copy;
}

function inserted(line: Buffer, at: number, bytes: Buffer): Buffer {
  return Buffer.concat([line.subarray(0, at), bytes, line.subarray(at)]);
}

/** Before the others or behind them: the last of two fields of one name counts. */
function withField(line: Buffer, field: string, isFirst: boolean): Buffer {
  if (line[0] !== 0x7b || line.length < 3) return line;
  if (isFirst) return Buffer.concat([Buffer.from(`{${field},`), line.subarray(1)]);
  return Buffer.concat([line.subarray(0, -1), Buffer.from(`,${field}}`)]);
}

/** Two pieces of the line in each other's place. */
function swapped(chance: Chance, line: Buffer): Buffer {
  const [a, b, c] = [chance(line.length + 1), chance(line.length + 1), chance(line.length + 1)].sort((x, y) => x - y) as [
    number,
    number,
    number,
  ];
  return Buffer.concat([line.subarray(0, a), line.subarray(b, c), line.subarray(a, b), line.subarray(c)]);
}

/** A line as long as may be, or a byte or two more or less, with or without a `\r`. */
function atTheLimit(chance: Chance): Buffer {
  const bytes = maxLineBytes - 2 + chance(5);
  const text = `{"id":"limit ${chance(1000)}","fill":"`;
  const line = Buffer.from(`${text}${'y'.repeat(bytes - text.length - 2)}"}`);
  return chance(3) === 0 ? Buffer.concat([line.subarray(0, -1), Buffer.from('\r')]) : line;
}
