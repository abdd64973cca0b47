import fc from 'fast-check';

/** Pieces of JSON as programs write it, and as they may: blanks anywhere, names that come twice, escapes in names and values, any number. */
const blank = fc.constantFrom('', '', '', ' ', '\t', '\r', '  ');
const word = fc.oneof(
  fc.constantFrom('id', 'revision', 'a', 'b', 'c', 'd', 'customer', 'é', 'ü', 'ID', 'i', 'idd', '', '__proto__', 'a.b'),
  fc.string({ unit: 'binary', maxLength: 4 }),
);
const string = fc.tuple(word, fc.nat({ max: 9 })).map(([text, chance]) => {
  const written = JSON.stringify(text);
  if (chance > 0) return written;
  return `"${[...text].map((c) => (c.length === 1 ? `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}` : c)).join('')}"`;
});
const number = fc.oneof(
  fc.integer().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
  fc.constantFrom('0', '-0', '1.0', '1e5', '1E+30', '-2.50e-7', '12345678901234567890', '1e400'),
);
const scalar = fc.oneof(string, number, fc.constantFrom('true', 'false', 'null'));
const { value } = fc.letrec<{ value: string; object: string; list: string }>((tie) => ({
  value: fc.oneof({ depthSize: 'small' }, scalar, tie('object'), tie('list')),
  list: fc.tuple(blank, fc.array(tie('value'), { maxLength: 3 })).map(([b, values]) => `[${b}${values.join(`${b},${b}`)}${b}]`),
  object: fc
    .tuple(blank, blank, fc.array(fc.tuple(string, tie('value')), { maxLength: 5 }))
    .map(([b, c, fields]) => `{${b}${fields.map(([name, v]) => `${name}${c}:${b}${v}`).join(`${b},${c}`)}${b}}`),
}));
/** A JSON object on one line, as text: names that meet paths as `id` and `a.b`. */
export const record = fc
  .tuple(blank, fc.array(fc.tuple(string, value), { maxLength: 6 }))
  .map(([b, fields]) => `{${b}${fields.map(([name, v]) => `${name}:${b}${v}`).join(`,${b}`)}}${b}`);

const change = fc.tuple(
  fc.nat(),
  fc.nat({ max: 2 }),
  fc.oneof(fc.nat({ max: 255 }), fc.constantFrom(...Buffer.from('{}[],:"\\0-.eE u'))),
);

/** The bytes of a record, of which some are changed, cut out or put in; one line. */
export const spoiltRecord = fc.tuple(record, fc.array(change, { minLength: 1, maxLength: 3 })).map(([text, changes]) => {
  const bytes = [...Buffer.from(text)];
  for (const [place, removed, byte] of changes) bytes.splice(place % (bytes.length + 1), removed, byte);
  return Buffer.from(bytes.filter((byte) => byte !== 0x0a));
});
