import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { startFauxqs } from 'fauxqs';
import { awsEnvironmentAt } from '../kinesis/servers.ts';

/** What goes wrong with a request: it is refused by S3's own words, or its connection breaks before it is done or after. */
export type S3Fault = { status: number; code: string } | 'reset before' | 'reset after';

/** A bucket named `lake` of an S3 that keeps everything in memory, behind something that can fail. */
export interface Bucket {
  endpoint: string;
  env: Record<string, string>;
  /** Every request so far: `PUT tracking/a.ndjson`. */
  readonly asked: string[];
  /** Every object, by key, in the order of the keys. */
  objects(): Promise<Map<string, Buffer>>;
  stop(): Promise<void>;
}

/** Starts one; `fault` says what goes wrong with the n-th request, which begins with its method. */
export async function startBucket({
  fault = () => undefined,
  delayMs = 0,
}: {
  fault?: (n: number, asked: string) => S3Fault | undefined;
  delayMs?: number;
} = {}): Promise<Bucket> {
  const real = await startFauxqs({ port: 0, host: '127.0.0.1', logger: false });
  await real.createBucket('lake');
  const asked: string[] = [];
  const server = createServer(async (incoming, outgoing) => {
    const body = await bytesOf(incoming);
    const what = `${incoming.method} ${decodeURIComponent((incoming.url ?? '').replace(/^\/[^/]*\/?|\?.*$/g, ''))}`;
    asked.push(what);
    const wrong = fault(asked.length, what);
    await sleep(delayMs);
    if (wrong === 'reset before') return void incoming.socket.resetAndDestroy();
    if (typeof wrong === 'object') {
      outgoing.writeHead(wrong.status, { 'content-type': 'application/xml' });
      return void outgoing.end(`<?xml version="1.0"?><Error><Code>${wrong.code}</Code><Message>No.</Message></Error>`);
    }
    const { method, url: path, headers } = incoming;
    const onward = request({ host: '127.0.0.1', port: real.port, method, path, headers }, async (answer) => {
      const content = await bytesOf(answer);
      if (wrong === 'reset after') return void incoming.socket.resetAndDestroy();
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      outgoing.end(content);
    });
    onward.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    endpoint,
    env: awsEnvironmentAt(endpoint),
    asked,
    objects: () => objectsIn(`http://127.0.0.1:${real.port}`),
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await real.stop();
    },
  };
}

async function bytesOf(message: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of message) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function objectsIn(endpoint: string): Promise<Map<string, Buffer>> {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials });
  try {
    const objects = new Map<string, Buffer>();
    let ContinuationToken: string | undefined;
    do {
      const page = await client.send(new ListObjectsV2Command({ Bucket: 'lake', ContinuationToken }));
      for (const { Key = '' } of page.Contents ?? []) {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: 'lake', Key }));
        objects.set(Key, Buffer.from((await Body?.transformToByteArray()) ?? []));
      }
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken !== undefined);
    return objects;
  } finally {
    client.destroy();
  }
}
