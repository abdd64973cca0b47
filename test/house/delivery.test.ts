import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from './bash.ts';

/** Each claim of docs/delivery.md is a point of a list, and ends with the tests that show it: `*[name](../test/…): title; …*`. */

const page = readFileSync(join(root, 'docs', 'delivery.md'), 'utf8');
const [shown = '', notPromised = ''] = page.split('## What is not promised');
const claims = shown.split('\n').filter((line) => line.startsWith('- '));

/** The tests that a claim names; undefined for one that is not in the form. */
function referencesOf(claim: string): ({ path: string; title: string } | undefined)[] {
  const tests = /\*(\[[^*]*)\*$/.exec(claim)?.[1] ?? '';
  return tests.split(/; (?=\[)/).map((one) => {
    const [, path, title] = /^\[[^\]]+\]\(\.\.\/(test\/[^)]+\.test\.ts)\): (.+)$/.exec(one) ?? [];
    return path === undefined || title === undefined ? undefined : { path, title };
  });
}

/** A title stands in quotes, in a test or in a table of tests; before its last part may stand what a table gives (`${what}: `). */
function hasTitle(path: string, title: string): boolean {
  const source = readFileSync(join(root, path), 'utf8');
  return ["'", '"', '`'].some((quote) => source.includes(`${quote}${title}${quote}`)) || source.includes(`}: ${title}\``);
}

test('the page has claims, and what is not promised', () => {
  expect(claims.length).toBeGreaterThan(30);
  expect(notPromised).toContain('Kinesis');
});

test.each(claims)('a test shows it: %s', (claim) => {
  for (const reference of referencesOf(claim)) {
    expect(reference, '*[name](../test/….test.ts): title; …*').toBeDefined();
    const { path, title } = reference!;
    expect(existsSync(join(root, path)), path).toBe(true);
    expect(hasTitle(path, title), `${path} has no test called: ${title}`).toBe(true);
  }
});
