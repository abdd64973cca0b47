import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { splitPipeline } from '../../src/lib/run/words.ts';

const characters = fc.constantFrom(...'ab=:./-_,+@%^!~#|<>&;()[]{}*?$`\'"\\ \t\né€');
const quoted: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: characters }).map((text) => `'${text.replaceAll("'", '')}'`),
  fc.string({ unit: characters }).map((text) => `"${text.replace(/["\\$`]/g, '\\$&')}"`),
  fc
    .string({ unit: fc.constantFrom(...'ab \\"\n\\\\c') })
    .map((text) => `"${text.replace(/["$`]|\\$/g, '').replace(/\\$/, '')}"`),
  characters.map((character) => `\\${character}`),
  fc.string({ unit: fc.constantFrom(...'abc:./-_,+@%^é'), minLength: 1 }),
);
// An odd number of backslashes before the closing quote would leave it open.
const isClosed = (text: string) => !/(^|[^\\])(\\\\)*\\"$/.test(text);
const word = fc.array(quoted.filter(isClosed), { minLength: 1, maxLength: 4 }).map((pieces) => pieces.join(''));
const words = fc.array(word, { minLength: 1, maxLength: 5 });

test('words are those that a shell makes of them', () => {
  const lines = fc.sample(words, { seed: 5, numRuns: 400 }).map((list) => list.join(' '));
  const script = lines.map((line) => `set -- ${line}\nprintf '%s\\0' "$#" "$@"`).join('\n');
  const made = execFileSync('bash', ['--norc', '-c', script], { encoding: 'utf8' }).split('\0');
  for (const line of lines) {
    const count = Number(made.shift());
    expect([line, splitPipeline(line)[0]]).toEqual([line, made.splice(0, count)]);
  }
});

test('| parts commands, also without blanks and over lines', () => {
  expect(splitPipeline('a|b \'|\' \\| "|"|\n  c\\\nd\n| e\n')).toEqual([['a'], ['b', '|', '|', '|'], ['cd'], ['e']]);
});

test.each([
  ['a > b', '>', 'buda run … > FILE'],
  ['a < b', '<', 'buda run … < FILE'],
  ['a; b', ';', 'once for each'],
  ['a && b', '&', 'once for each'],
  ['a || b', '||', 'exit code'],
  ['a $(b)', '$', 'single quotes'],
  ['a "$b"', '$', 'single quotes'],
  ['a `b`', '`', 'single quotes'],
  ['(a)', '(', 'quotes'],
  ['a *.json', '*', 'quotes'],
  ['a .[]', '[', 'quotes'],
  ['a {b,c}', '{', 'quotes'],
  ['a ~/b', '~', 'write the folder out'],
  ['a # b', '#', 'quotes'],
  ['A=1 b', 'A=…', 'buda run'],
  ['a\nb', 'a line end', '|'],
])('%j is refused, and by name', (line, what, remedy) => {
  expect(() => splitPipeline(line)).toThrow(
    expect.objectContaining({
      exit: 2,
      message: expect.stringContaining(`${what} is for a shell`),
      remedy: expect.stringContaining(remedy),
    }),
  );
});

test.each([
  ['', 'the pipeline is empty'],
  ['  ', 'the pipeline is empty'],
  ['a |', 'a step is missing'],
  ['| a', 'a step is missing'],
  ['a | | b', 'a step is missing'],
  ["a 'b", 'is not closed'],
  ['a "b', 'is not closed'],
  ['a \\', 'stands at the end'],
])('%j is refused', (line, message) => {
  expect(() => splitPipeline(line)).toThrow(expect.objectContaining({ exit: 2, message: expect.stringContaining(message) }));
});

test('what stands inside a word or in quotes is nothing special', () => {
  expect(splitPipeline(`a b=1 --c=d x#y a~b '' "" '$x' "\\$x"`)).toEqual([
    ['a', 'b=1', '--c=d', 'x#y', 'a~b', '', '', '$x', '$x'],
  ]);
});
