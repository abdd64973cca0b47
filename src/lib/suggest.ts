import type { Entry } from './command.ts';

/** What to say of words that name no command: the nearest one, or where the list is. */
export function suggest(words: readonly string[], entries: readonly Entry[]): string {
  const near = entries
    .map((entry) => {
      const typed = words.slice(0, entry.words.split(' ').length).join(' ');
      return { entry, typed, edits: editsBetween(typed, entry.words) };
    })
    .filter(({ entry, edits }) => edits <= Math.max(2, entry.words.length / 4))
    .sort((a, b) => a.edits - b.edits || b.typed.length - a.typed.length)[0];
  if (near !== undefined) return `did you mean: buda ${near.entry.words}`;
  const group = entries.filter((entry) => entry.words.startsWith(`${words[0]} `));
  return group.length > 0 ? `there are: ${group.map((entry) => entry.words).join(', ')}` : 'see: buda help';
}

/** How many letters have to be put in, taken out, changed or swapped with their neighbour to make one word of another. */
function editsBetween(a: string, b: string): number {
  let last: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const before = last;
    last = row;
    row = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      row[j] = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (isSame ? 0 : 1));
      if (a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] && i > 1 && j > 1) row[j] = Math.min(row[j]!, before[j - 2]! + 1);
    }
  }
  return row[b.length]!;
}
