import { resolve } from 'node:path';
import type { Context } from '../context.ts';
import { Failure } from '../errors.ts';
import type { ObjectStore } from './store.ts';

/** Where objects lie: a bucket of S3 or a folder, and what every key begins with. */
export interface ObjectPlace {
  /** As the state names it: `s3://BUCKET/PREFIX`, or `file:` and the folder's whole path. */
  readonly id: string;
  /** What stands before a key in the URL of an object. */
  readonly root: string;
  /** What every key begins with: empty, or ending in `/`. */
  readonly prefix: string;
  /** Opens the door; the SDK behind it is loaded only now. */
  open(): Promise<ObjectStore>;
}

/** The place of `s3://BUCKET[/PREFIX]` or `file:DIR`. Anything else: 2. */
export function objectPlace(url: string, { env, host }: Pick<Context, 'env' | 'host'>): ObjectPlace {
  const bucket = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/s.exec(url);
  if (bucket !== null) {
    const name = bucket[1] as string;
    const prefix = (bucket[2] ?? '').replace(/\/*$/, '');
    if (prefix !== '' && prefix.split('/').some((part) => part === '' || part === '.' || part === '..')) throw unknownPlace(url);
    // Buckets as a part of the path are what all but AWS itself understand.
    const isPath = (env.AWS_ENDPOINT_URL_S3 ?? env.AWS_ENDPOINT_URL ?? '') !== '';
    return {
      id: `s3://${name}${prefix === '' ? '' : `/${prefix}`}`,
      root: `s3://${name}/`,
      prefix: prefix === '' ? '' : `${prefix}/`,
      open: async () => new (await import('../aws/s3.ts')).S3Bucket(name, isPath),
    };
  }
  const path = /^file:(?:\/\/(?=\/))?(?!\/\/)(.+)$/s.exec(url)?.[1];
  if (path === undefined) throw unknownPlace(url);
  const folder = resolve(path);
  return {
    id: `file:${folder}`,
    root: `file:${folder}/`,
    prefix: '',
    open: async () => new (await import('./folder.ts')).ObjectFolder(folder, host),
  };
}

function unknownPlace(url: string): Failure {
  return new Failure('usage', `objects are put into s3://BUCKET/PREFIX or file:DIR; not ${JSON.stringify(url)}`);
}
