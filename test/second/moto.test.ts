import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateDeliveryStreamCommand, FirehoseClient } from '@aws-sdk/client-firehose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bash, environmentIn, temporary } from '../house/bash.ts';
import { awsEnvironmentAt, freePort } from '../kinesis/servers.ts';
import { describeWith } from './needs.ts';

/** moto carries what Firehose was given into its S3, in one object a request, and joins the records without anything between them, as Firehose does. */
describeWith(['moto_server'], 'put-firehose, put-s3 and moto', () => {
  const folder = mkdtempSync(join(temporary, 'buda-moto-'));
  let moto: ChildProcess;
  let endpoint = '';

  beforeAll(async () => {
    const port = await freePort();
    endpoint = `http://127.0.0.1:${port}`;
    moto = spawn('moto_server', ['-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
    const isUp = () =>
      fetch(`${endpoint}/moto-api/`).then(
        () => true,
        () => false,
      );
    for (let waitedMs = 0; !(await isUp()); waitedMs += 200) {
      if (moto.exitCode !== null || waitedMs > 60_000) throw new Error('moto_server does not answer');
      await sleep(200);
    }
    for (const bucket of ['lake', 'objects']) expect((await fetch(`${endpoint}/${bucket}`, { method: 'PUT' })).status).toBe(200);
    const client = new FirehoseClient({
      region: 'us-east-1',
      endpoint,
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    });
    await client.send(
      new CreateDeliveryStreamCommand({
        DeliveryStreamName: 'tracking_events',
        DeliveryStreamType: 'DirectPut',
        ExtendedS3DestinationConfiguration: {
          RoleARN: 'arn:aws:iam::123456789012:role/firehose',
          BucketARN: 'arn:aws:s3:::lake',
        },
      }),
    );
    client.destroy();
  }, 90_000);
  afterAll(() => {
    moto?.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  // It looks who asks, and at no signature.
  const authorization = 'AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=none';
  const fetchFrom = (path: string) => fetch(`${endpoint}/${path}`, { headers: { authorization } });
  const read = async (path: string) => (await fetchFrom(`lake${path}`)).text();

  test('what comes out of it into S3 is the lines that went in', async () => {
    const lines = Array.from({ length: 1800 }, (_, n) => `${JSON.stringify({ id: `e_${n}`, text: 'grün "}{"' })}\n`);
    const env = { ...environmentIn(folder), ...awsEnvironmentAt(endpoint) };
    const ran = await bash('buda put-firehose tracking_events', { cwd: folder, env, input: Buffer.from(lines.join('')) });
    expect(ran).toMatchObject({ exit: 0, stderr: expect.stringContaining('1,800 records') });

    const listed = await read('?list-type=2');
    const keys = [...listed.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key]) => key as string);
    expect(keys.length).toBeGreaterThan(1);
    const objects = await Promise.all(keys.map((key) => read(`/${encodeURI(key)}`)));
    const found = objects.flatMap((object) => object.split(/(?<=\n)/));
    expect(found.sort()).toEqual([...lines].sort());
  });

  test('a stream that is not there is told (78)', async () => {
    const env = { ...environmentIn(folder), ...awsEnvironmentAt(endpoint) };
    const ran = await bash('buda put-firehose nothing -q', { cwd: folder, env, input: Buffer.from('{"id":1}\n') });
    expect(ran).toMatchObject({ exit: 78, stderr: expect.stringContaining('ResourceNotFoundException') });
  });

  test('an object of put-s3 is there with the ETag that was told, and is the lines that went in', async () => {
    const lines = Array.from({ length: 500 }, (_, n) => `${JSON.stringify({ id: `e_${n}`, text: 'grün' })}\n`).join('');
    const env = { ...environmentIn(folder), ...awsEnvironmentAt(endpoint) };
    const words = 's3://objects/dt=2026-11-27 --object-size 8KiB';
    const ran = await bash(`buda put-s3 ${words} -q`, { cwd: folder, env, input: Buffer.from(lines) });
    expect(ran).toMatchObject({ exit: 0, stderr: '' });
    const told = ran.stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as { key: string; etag: string; bytes: number });
    expect(told.length).toBeGreaterThan(1);
    let all = '';
    for (const { key, etag, bytes } of told) {
      const object = await fetchFrom(`objects/${encodeURI(key)}`);
      const text = await object.text();
      expect([object.headers.get('etag'), Buffer.byteLength(text)]).toEqual([`"${etag}"`, bytes]);
      all += text;
    }
    expect(all).toBe(lines);
  });

  test('a bucket that is not there is told (78)', async () => {
    const env = { ...environmentIn(folder), ...awsEnvironmentAt(endpoint) };
    const ran = await bash('buda put-s3 s3://nothing -q', { cwd: folder, env, input: Buffer.from('{"id":1}\n') });
    expect(ran).toMatchObject({ exit: 78, stderr: expect.stringContaining('NoSuchBucket') });
  });
});
