import type { AppState } from '../checkpoints.ts';
import type { Context } from '../context.ts';
import { Failure } from '../errors.ts';
import type { StreamKind, StreamName } from './names.ts';

/** Looking after the streams of one kind. What `list` and `describe` give is printed as JSON. */
export interface Streams {
  /** One that cannot be read is told to `onFailure`; the others are listed. */
  list(onFailure: (error: unknown) => void): Promise<object[]>;
  /** One that is not there is a Failure (78), here and in `delete`. */
  describe(name: string): Promise<object>;
  delete(name: string): Promise<void>;
  close(): void;
}

/** The streams that live there; `state` is where the apps that read them are kept. Only what is used is loaded. */
export async function openStreams(context: Context, kind: StreamKind, state: string | undefined): Promise<Streams> {
  const apps = async () => (await context.openCheckpoints(state)).list();
  if (kind === 'local') return (await import('./local.ts')).localStreams(context, apps);
  const { kinesisStreams } = await import('./kinesis.ts');
  const kinesis = kinesisStreams(context);
  return {
    list: async () => (await kinesis.list()).map((name) => ({ name: `kinesis:${name}` })),
    async describe(name) {
      const { arn, status, mode, openShards, retentionHours, createdAt, encryption, shards } = await kinesis.describe(name);
      const readers = (await apps()).filter(({ sources }) => Object.hasOwn(sources, `kinesis:${name}`));
      return {
        name: `kinesis:${name}`,
        arn,
        status,
        mode,
        created_at: createdAt ?? null,
        retention_ms: retentionHours * 3_600_000,
        encryption,
        open_shards: openShards,
        shards,
        apps: readers.map(({ app, sources }) => ({ app, committed_at: sources[`kinesis:${name}`]?.committed_at ?? null })),
      };
    },
    delete: (name) => kinesis.delete(name),
    close: () => kinesis.close(),
  };
}

/** Refuses (75) while an app runs that reads the stream or writes it. */
export async function refuseWhileUsed({ kind, name }: StreamName, context: Context, state: string | undefined): Promise<void> {
  const full = `${kind}:${name}`;
  const apps = (await (await context.openCheckpoints(state)).list()) as (AppState & { running?: boolean })[];
  const user = apps.find(({ running, sources, sink }) => running && (Object.hasOwn(sources, full) || sink === full));
  if (user === undefined) return;
  throw new Failure('incomplete', `the app ${user.app} is running on ${full}`, 'stop it, then delete the stream');
}
