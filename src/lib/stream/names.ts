import { Failure } from '../errors.ts';

/** Where a stream can live. */
export const streamKinds = ['local', 'kinesis'] as const;
/** `local` is the log under $BUDA_HOME, `kinesis` the service. */
export type StreamKind = (typeof streamKinds)[number];

/** A stream as it was named: where it lives, and its name there. */
export interface StreamName {
  kind: StreamKind;
  name: string;
}

/** Reads `local:NAME`, `kinesis:NAME`, or a bare NAME, which lives where BUDA_STREAMS says. Throws a Failure (2) for anything else. */
export function parseStreamName(text: string, env: Readonly<Record<string, string | undefined>>): StreamName {
  const [, prefix, rest] = /^([a-z]+):(.*)$/s.exec(text) ?? [];
  if (prefix === undefined) return { kind: defaultKind(env), name: checkedName(text) };
  if (isKind(prefix)) return { kind: prefix, name: checkedName(rest ?? '') };
  throw new Failure('usage', `streams are local:NAME or kinesis:NAME; not ${JSON.stringify(text.slice(0, 200))}`);
}

/** Where a bare name lives: what BUDA_STREAMS says, else in the local log. */
export function defaultKind(env: Readonly<Record<string, string | undefined>>): StreamKind {
  const kind = env.BUDA_STREAMS || 'local';
  if (isKind(kind)) return kind;
  throw new Failure('usage', `BUDA_STREAMS is local or kinesis; not ${JSON.stringify(kind)}`);
}

function isKind(text: string): text is StreamKind {
  return (streamKinds as readonly string[]).includes(text);
}

/** The rule of Kinesis for names, and none that begins with a dot or a dash: a name is a folder too, and a word on command lines. */
function checkedName(name: string): string {
  if (/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/.test(name)) return name;
  throw new Failure(
    'usage',
    `a stream is named with letters, digits, "_", "." and "-", at most 128 of them; not ${JSON.stringify(name.slice(0, 200))}`,
  );
}
