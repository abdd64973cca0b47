/** A piece of a program's syntax, named and built as ESTree has it. */
export interface Syntax {
  readonly type: string;
  readonly [part: string]: unknown;
}

/** The one expression that the text is, as code in a module has it; undefined where it is none. */
export async function parseExpression(text: string): Promise<Syntax | undefined> {
  const { parse } = await import('acorn');
  try {
    const [only, ...more] = parse(`(${text}\n)`, { ecmaVersion: 'latest', sourceType: 'module' }).body;
    return only?.type === 'ExpressionStatement' && more.length === 0 ? (only.expression as unknown as Syntax) : undefined;
  } catch {
    return undefined;
  }
}
