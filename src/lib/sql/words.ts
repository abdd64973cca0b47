import { isPlainName } from './keywords.ts';

interface Word {
  kind: 'word' | 'name' | 'text' | 'number' | 'sign';
  text: string;
}

/** The words of a query, taken one by one: each of these takes what stands next if it is of the kind, or else nothing. */
export class Words {
  readonly #words: readonly Word[];
  #at = 0;

  /** Undefined where the query holds what may mean anything. */
  static of(sql: string): Words | undefined {
    const words = wordsOf(sql);
    return words && new Words(words);
  }

  private constructor(words: readonly Word[]) {
    this.#words = words;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#words.length;
  }

  /** A word of the language, given in lower case. */
  take(word: string): boolean {
    const next = this.#words[this.#at];
    if (next?.kind !== 'word' || next.text.toLowerCase() !== word) return false;
    this.#at++;
    return true;
  }

  /** One of these signs. */
  sign(...signs: readonly string[]): string | undefined {
    const next = this.#words[this.#at];
    if (next?.kind !== 'sign' || !signs.includes(next.text)) return undefined;
    this.#at++;
    return next.text;
  }

  /** A name, in quotes or such as needs none. */
  name(): string | undefined {
    const next = this.#words[this.#at];
    if (next === undefined || !(next.kind === 'name' || (next.kind === 'word' && isPlainName(next.text)))) return undefined;
    this.#at++;
    return next.text;
  }

  /** A text, as its UTF-8 bytes, or a number. */
  literal(): Buffer | number | undefined {
    const next = this.#words[this.#at];
    if (next?.kind !== 'text' && next?.kind !== 'number') return undefined;
    this.#at++;
    return next.kind === 'text' ? Buffer.from(next.text) : Number(next.text);
  }
}

function wordsOf(sql: string): Word[] | undefined {
  const part =
    /\s*(?:"((?:[^"]|"")+)"|'((?:[^']|'')*)'|(-?\d+(?:\.\d+)?)(?![\w.])|([A-Za-z_]\w*)(?!['\w$])|([(),;.]|::|(?:->>|<>|!=|<=|>=|[=<>])(?![=<>!~@&|*+/-])))/y;
  const words: Word[] = [];
  const text = sql.trimEnd();
  for (let at = 0; at < text.length; at = part.lastIndex) {
    part.lastIndex = at;
    const found = part.exec(text);
    if (found === null) return undefined;
    const [, name, literal, number, word, sign] = found;
    // A double has 15 digits of any number.
    if (number !== undefined && number.replace(/\D/g, '').length > 15) return undefined;
    if (name !== undefined) words.push({ kind: 'name', text: name.replaceAll('""', '"') });
    else if (literal !== undefined) words.push({ kind: 'text', text: literal.replaceAll("''", "'") });
    else if (number !== undefined) words.push({ kind: 'number', text: number });
    else if (word !== undefined) words.push({ kind: 'word', text: word });
    else words.push({ kind: 'sign', text: sign as string });
  }
  return words;
}
