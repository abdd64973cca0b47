import { parseExpression, type Syntax } from '../acorn/parse.ts';

/** Before a file of the user's can change it. */
const sourceOf = Function.prototype.toString;
/** More to read, or more names, and it is not worth the while. */
const mostCharacters = 100_000;
const mostNames = 64;
/** What looks like these is a comment in some code and none in other. Source: ECMA-262, B.1.1. */
const doubtful = /<!--|-->/;

/**
 * The names of the fields of its record that a function looks at or sets, where its source proves that it does nothing else with the record but give
 * it back: nobody can tell then what else the record is. Undefined where there is any doubt.
 */
export async function readsOf(own: (record: never) => unknown): Promise<readonly string[] | undefined> {
  const source = sourceOf.call(own);
  // A function of loose code hands what it was called with to anybody: mine.arguments.
  if (source.length > mostCharacters || doubtful.test(source) || Object.hasOwn(own, 'arguments')) return undefined;
  const parsed = await parseExpression(source);
  if (parsed === undefined || !isFunction(parsed) || parsed.generator === true) return undefined;
  try {
    const reads = new Reads(parsed);
    return reads.areAll ? [...reads.names] : undefined;
  } catch (error) {
    // Nested too deeply to be walked through.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** A walk over a function's syntax. */
class Reads {
  readonly names = new Set<string>();
  /** Whether each use of the record is one of its fields, or gives it back. */
  readonly areAll: boolean;
  /** How many functions and classes stand round what is walked over, inside the function itself. */
  #inside = 0;
  /** What the record is called; undefined where it is taken apart at once. */
  readonly #record: string | undefined;

  constructor(own: Syntax) {
    const [first, ...others] = own.params as Syntax[];
    this.#record = first?.type === 'Identifier' ? (first.name as string) : undefined;
    const isTaken = first === undefined || this.#record !== undefined || (first.type === 'ObjectPattern' && this.#fields(first));
    const body = own.body as Syntax;
    const isBody = () => (body.type === 'BlockStatement' ? this.#walk(body, true) : this.#gives(body));
    this.areAll = isTaken && others.every((one) => this.#walk(one, false)) && isBody();
  }

  /** `isOwn`: what returns here returns from the function itself, and from none inside it. */
  #walk(node: Syntax, isOwn: boolean): boolean {
    switch (node.type) {
      case 'Identifier':
        // A use that no case below takes; or what may use it unseen.
        return node.name !== this.#record && node.name !== 'eval' && node.name !== 'arguments';
      case 'MemberExpression':
        if (this.#isRecord(node.object)) return this.#field(node.property as Syntax, node.computed === true);
        break;
      case 'VariableDeclarator':
        if (this.#isRecord(node.init)) return (node.id as Syntax).type === 'ObjectPattern' && this.#fields(node.id as Syntax);
        break;
      case 'CallExpression':
        if (this.#isField(node.callee)) return false;
        break;
      case 'TaggedTemplateExpression':
        if (this.#isField(node.tag)) return false;
        break;
      case 'UnaryExpression':
        if (node.operator === 'delete' && this.#isField(node.argument)) return false;
        break;
      case 'AssignmentExpression':
      case 'ForInStatement':
      case 'ForOfStatement':
        if (this.#isSetInside(node.left)) return false;
        break;
      case 'UpdateExpression':
        if (this.#isSetInside(node.argument)) return false;
        break;
      case 'ReturnStatement':
        if (isOwn && isSyntax(node.argument)) return this.#gives(node.argument);
        break;
    }
    const isStillOwn = isOwn && !isFunction(node);
    const isInside = isFunction(node) || node.type === 'ClassBody';
    if (isInside) this.#inside++;
    for (const part in node) {
      const inside = node[part];
      if (isName(node, part)) continue;
      const all = Array.isArray(inside) ? inside : [inside];
      if (!all.every((one) => !isSyntax(one) || this.#walk(one, isStillOwn))) return false;
    }
    if (isInside) this.#inside--;
    return true;
  }

  /** Whether a function inside may set a field: it may be a toJSON or a getter, which is called while the record is being written. */
  #isSetInside(target: unknown): boolean {
    return this.#inside > 0 && isSyntax(target) && (this.#isField(target) || target.type.endsWith('Pattern'));
  }

  /** A value that the function gives: it may be the record, or a list with it. */
  #gives(node: Syntax): boolean {
    switch (node.type) {
      case 'Identifier':
        return this.#isRecord(node) || this.#walk(node, false);
      case 'ConditionalExpression':
        return (
          this.#walk(node.test as Syntax, false) &&
          this.#gives(node.consequent as Syntax) &&
          this.#gives(node.alternate as Syntax)
        );
      case 'LogicalExpression':
        return this.#walk(node.left as Syntax, false) && this.#gives(node.right as Syntax);
      case 'SequenceExpression': {
        const all = node.expressions as Syntax[];
        return all.slice(0, -1).every((one) => this.#walk(one, false)) && this.#gives(all.at(-1) as Syntax);
      }
      case 'ArrayExpression':
        return (node.elements as (Syntax | null)[]).every((one) => one === null || this.#gives(one));
      default:
        return this.#walk(node, false);
    }
  }

  /** The fields that a pattern takes out of the record. */
  #fields(pattern: Syntax): boolean {
    return (pattern.properties as Syntax[]).every(
      (one) =>
        one.type === 'Property' &&
        one.computed === false &&
        this.#field(one.key as Syntax, false) &&
        this.#walk(one.value as Syntax, false),
    );
  }

  #field(key: Syntax, isComputed: boolean): boolean {
    const name = key.type === 'Identifier' && !isComputed ? key.name : key.type === 'Literal' ? key.value : undefined;
    if (typeof name !== 'string' || !isPlain(name)) return false;
    this.names.add(name);
    return this.names.size <= mostNames;
  }

  #isRecord(node: unknown): boolean {
    return isSyntax(node) && node.type === 'Identifier' && node.name === this.#record;
  }

  #isField(node: unknown): boolean {
    if (!isSyntax(node)) return false;
    if (node.type === 'ChainExpression') return this.#isField(node.expression);
    return node.type === 'MemberExpression' && this.#isRecord(node.object);
  }
}

function isSyntax(value: unknown): value is Syntax {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

function isFunction({ type }: Syntax): boolean {
  return type === 'FunctionExpression' || type === 'ArrowFunctionExpression' || type === 'FunctionDeclaration';
}

/** Whether this part is a name of something else than a variable. */
function isName({ type, computed }: Syntax, part: string): boolean {
  if (part === 'label') return true;
  if (type === 'MemberExpression') return part === 'property' && computed === false;
  return part === 'key' && computed === false && /^(?:Property|PropertyDefinition|MethodDefinition)$/.test(type);
}

/** Whether a field of this name is like any other: to the language, to JSON.stringify, in the order of an object, as a path, and as bytes. */
function isPlain(name: string): boolean {
  if (name in Object.prototype || name === 'then' || name === 'toJSON') return false;
  return /^(?!\d+$)[^.]+$/s.test(name) && Buffer.from(name).toString() === name;
}
