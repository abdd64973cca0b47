import { NodeHttpHandler, type NodeHttpHandlerOptions } from '@smithy/node-http-handler';

/** A request that has no answer after this long is dead: one that hangs would hold up its shard for ever. */
const answerTimeoutMs = 30_000;
const connectTimeoutMs = 5_000;

/**
 * How clients of AWS are made. Region, credentials and endpoint come by the SDK's own chain (AWS_REGION, AWS_PROFILE, AWS_ENDPOINT_URL, roles …).
 * HTTP/1.1, which emulators and proxies speak too: the SDK's HTTP/2 serves SubscribeToShard, and otherwise one request a connection all the same.
 * Each request is tried once: the policy of retrying is ours (lib/retry.ts), not a second one below it.
 */
export function clientSettings() {
  return settingsWith({ requestTimeout: answerTimeoutMs, throwOnRequestTimeout: true });
}

/** The same where a request may take as long as it gets on: megabytes over a slow line. */
export function patientSettings() {
  return settingsWith({});
}

function settingsWith(more: NodeHttpHandlerOptions) {
  return {
    maxAttempts: 1,
    requestHandler: new NodeHttpHandler({ connectionTimeout: connectTimeoutMs, socketTimeout: answerTimeoutMs, ...more }),
  };
}
