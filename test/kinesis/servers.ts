import { type ChildProcess, spawn } from 'node:child_process';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const require = createRequire(import.meta.url);

/** Points the SDK's own chain at an endpoint on the loopback, with credentials that open nothing. */
export function pointSdkAt(endpoint: string): void {
  Object.assign(process.env, awsEnvironmentAt(endpoint));
}

/** The same for a program that is started. */
export function awsEnvironmentAt(endpoint: string): Record<string, string> {
  return {
    AWS_ENDPOINT_URL_KINESIS: endpoint,
    AWS_ENDPOINT_URL_FIREHOSE: endpoint,
    AWS_ENDPOINT_URL_S3: endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  };
}

export interface Running {
  endpoint: string;
  stop(): Promise<void>;
}

async function listen(server: Server): Promise<Running> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** kinesalite, in this process: fast, and strict about the limits. */
export function startKinesalite(): Promise<Running> {
  const kinesalite = require('kinesalite') as (options: object) => Server;
  return listen(kinesalite({ createStreamMs: 5, deleteStreamMs: 5, updateStreamMs: 5 }));
}

/** kinesis-local, in a child: it knows more operations. It listens on every address unless it is told otherwise. */
export async function startKinesisLocal(): Promise<Running> {
  const [plain, tls] = await Promise.all([freePort(), freePort()]);
  const env = {
    PATH: process.env.PATH,
    KINESIS_MOCK_PLAIN_PORT: String(plain),
    KINESIS_MOCK_TLS_PORT: String(tls),
    CREATE_STREAM_DURATION: '5ms',
    DELETE_STREAM_DURATION: '5ms',
    SPLIT_SHARD_DURATION: '5ms',
    MERGE_SHARDS_DURATION: '5ms',
    UPDATE_SHARD_COUNT_DURATION: '5ms',
    LOG_LEVEL: 'ERROR',
  };
  const preload = new URL('./loopback.cjs', import.meta.url).pathname;
  const program = require.resolve('kinesis-local');
  // It looks for its certificate where it is started.
  const child: ChildProcess = spawn(process.execPath, ['--require', preload, program], {
    env,
    cwd: dirname(program),
    stdio: 'ignore',
  });
  const endpoint = `http://127.0.0.1:${plain}`;
  for (let waitedMs = 0; ; waitedMs += 50) {
    if (child.exitCode !== null) throw new Error(`kinesis-local ended with ${child.exitCode}`);
    const isUp = await fetch(endpoint).then(
      () => true,
      () => false,
    );
    if (isUp) break;
    if (waitedMs > 15_000) throw new Error('kinesis-local does not answer');
    await sleep(50);
  }
  return {
    endpoint,
    stop: () =>
      new Promise((resolve) => {
        child.once('exit', () => resolve());
        child.kill('SIGKILL');
      }),
  };
}

/** A port of the loopback that was free just now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const { endpoint, stop } = await listen(server);
  await stop();
  return Number(new URL(endpoint).port);
}

export type Body = any;
/** What a faulty service answers: a body, an error, or a broken connection. */
export type Fault = { body: Body } | { status: number; error: string; message?: string } | { reset: true } | { raw: string };

/** A service whose answers the test writes; it speaks the JSON protocol of Kinesis and Firehose, and keeps what it was asked. */
export async function startFaultyKinesis(
  answer: (operation: string, body: Body, call: number) => Fault | Promise<Fault>,
): Promise<Running & { asked: { operation: string; body: Body }[] }> {
  const asked: { operation: string; body: Body }[] = [];
  const server = createServer(async (request: IncomingMessage, response: ServerResponse) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece);
    const operation = String(request.headers['x-amz-target']).split('.')[1] ?? '';
    const body: Body = JSON.parse(Buffer.concat(pieces).toString());
    asked.push({ operation, body });
    const fault = await answer(operation, body, asked.length);
    if ('reset' in fault) {
      request.socket.resetAndDestroy();
      return;
    }
    response.setHeader('content-type', 'application/x-amz-json-1.1');
    if ('raw' in fault) {
      response.end(fault.raw);
    } else if ('error' in fault) {
      response.statusCode = fault.status;
      response.end(JSON.stringify({ __type: fault.error, message: fault.message ?? 'so says the test' }));
    } else {
      response.end(JSON.stringify(fault.body));
    }
  });
  return { ...(await listen(server)), asked };
}

/** A Firehose that takes everything, and keeps nothing but what startFaultyKinesis keeps. */
export function startTakingFirehose(): Promise<Running> {
  return startFaultyKinesis((_, { Records }: Body) => ({
    body: { FailedPutCount: 0, RequestResponses: Records.map((_: Body, n: number) => ({ RecordId: `record ${n}` })) },
  }));
}
