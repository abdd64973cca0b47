import { readFileSync } from 'node:fs';

/** Lines to begin with: tracking events, and JSON of every shape that is hard. */
export const seeds: readonly string[] = [
  ...readFileSync(new URL('../examples/stage/events.ndjson', import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .slice(0, 10),
  '{"id":"a","n":12345678901234567890,"f":1.0,"e":-0.0e+10,"t":true,"u":null}',
  '{"a":{"b":{"c":{"d":[{"x":"\\u00e9\\"\\\\"},[],{}]}},"e":{}},"a_b":1}',
  ' {"id" : "é✓🎈" , "contacts":[ {"email":"x@y.z"} , {"email":null},{"email":["q"]} ] } ',
  '{"":{"":1},"__proto__":{"x":1},"constructor":{"prototype":2},"toString":3}',
  '{"id":1,"id":2,"revision":{"deep":1}}',
  '{}',
];

const pieces = [
  '{',
  '}',
  '[',
  ']',
  '"',
  ',',
  ':',
  '\\',
  '\\u',
  '\n',
  '\r',
  '\0',
  ' ',
  '1e999',
  '-',
  'null',
  '{"a":',
  '"id":"x",',
  '\xff',
  '\xc3',
];

/** Broken and whole lines as bytes, always the same ones for a seed. Some hold line ends. */
export function mutated(count: number, random: () => number): Buffer {
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
  const lines: Buffer[] = [];
  for (let i = 0; i < count; i++) {
    let line = Buffer.from(pick(seeds)).toString('latin1');
    const times = random() < 0.3 ? 0 : 1 + Math.floor(random() * 3);
    for (let time = 0; time < times; time++) {
      const at = Math.floor(random() * (line.length + 1));
      const to = Math.min(line.length, at + Math.floor(random() * 12));
      const how = random();
      if (how < 0.3) line = line.slice(0, at) + pick(pieces) + line.slice(at);
      else if (how < 0.55) line = line.slice(0, at) + line.slice(to);
      else if (how < 0.75) line = line.slice(0, at) + String.fromCharCode(Math.floor(random() * 256)) + line.slice(at + 1);
      else if (how < 0.85) line = line.slice(0, to) + line.slice(at);
      else if (how < 0.9) line = `{"deep":${'{"d":'.repeat(300)}1${'}'.repeat(300)},${line.slice(1)}`;
      else line = line.slice(0, at);
    }
    lines.push(Buffer.from(`${line}\n`, 'latin1'));
  }
  return Buffer.concat(lines);
}

/** How many lines the text has that are not blank. */
export function countLines(text: Buffer): number {
  return text
    .toString('latin1')
    .split('\n')
    .filter((line) => line !== '' && line !== '\r').length;
}
