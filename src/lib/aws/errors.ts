import { codeOf, type ExitName, Failure } from '../errors.ts';
import type { Verdict } from '../retry.ts';

/**
 * What an error of AWS asks for: `again` after a wait (throttled, the service's own fault, the network), a smaller request or another
 * argument (`argument`), a new iterator (`iterator`), or nothing that a program could do (`final`).
 */
export type AwsErrorKind = 'again' | 'argument' | 'iterator' | 'final';

/** An error of AWS in our words: the exit code and the remedy stand ready, should nobody mend it. `code` is the service's name for it. */
export class AwsError extends Failure {
  readonly kind: AwsErrorKind;
  readonly code: string;

  constructor(kind: AwsErrorKind, code: string, exit: ExitName, message: string, remedy: string | undefined, cause: unknown) {
    super(exit, message, remedy, cause);
    this.kind = kind;
    this.code = code;
  }
}

/** The verdict of lib/retry.ts on an error of AWS. */
export function judgeAws(error: unknown): Verdict {
  return { again: error instanceof AwsError && error.kind === 'again' };
}

interface Meaning {
  kind: AwsErrorKind;
  exit: ExitName;
  remedy?: string;
}

const throttled: Meaning = {
  kind: 'again',
  exit: 'incomplete',
  remedy: 'run the pipe again; if it stays so, give a stream of Kinesis more shards, or ask AWS for a higher quota',
};
const overQuota: Meaning = {
  kind: 'again',
  exit: 'incomplete',
  remedy: 'run the pipe again; if it stays so, ask AWS for a higher quota of this stream of Firehose',
};
const theirFault: Meaning = { kind: 'again', exit: 'incomplete', remedy: 'run the pipe again' };
const credentials: Meaning = {
  kind: 'final',
  exit: 'notAllowed',
  remedy:
    'give valid credentials: AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN), or a role',
};
const permission: Meaning = {
  kind: 'final',
  exit: 'notAllowed',
  remedy: 'allow it in the IAM policy of these credentials, and in that of the KMS key where there is one',
};
const key: Meaning = { kind: 'final', exit: 'misconfigured', remedy: "look at the KMS key of the stream's encryption" };
const region: Meaning = { kind: 'final', exit: 'misconfigured', remedy: 'set AWS_REGION to the region of the bucket' };
const argument: Meaning = { kind: 'argument', exit: 'refused' };

/**
 * By the service's own names. Source: the API references of Kinesis and of Firehose, "Errors" of each action, and "Common Errors"; that of S3, "Error
 * responses".
 */
const meanings: Record<string, Meaning> = {
  ProvisionedThroughputExceededException: throttled,
  LimitExceededException: throttled,
  KMSThrottlingException: throttled,
  ThrottlingException: throttled,
  Throttling: throttled,
  RequestLimitExceeded: throttled,
  ServiceUnavailableException: overQuota,
  InternalFailure: theirFault,
  InternalFailureException: theirFault,
  InternalServerError: theirFault,
  ServiceUnavailable: theirFault,
  ResourceInUseException: theirFault,
  ResourceNotFoundException: {
    kind: 'final',
    exit: 'misconfigured',
    remedy: 'look at the name, the region (AWS_REGION) and the account',
  },
  AccessDeniedException: permission,
  AccessDenied: permission,
  NotAuthorized: permission,
  OptInRequired: permission,
  KMSAccessDeniedException: permission,
  KMSDisabledException: key,
  KMSInvalidStateException: key,
  KMSNotFoundException: key,
  KMSOptInRequired: key,
  InvalidKMSResourceException: key,
  InvalidSourceException: {
    kind: 'final',
    exit: 'misconfigured',
    remedy: 'put the records where it takes them from: only one whose source is DirectPut can be given some',
  },
  ExpiredToken: credentials,
  ExpiredTokenException: credentials,
  UnrecognizedClientException: credentials,
  InvalidClientTokenId: credentials,
  InvalidSignatureException: credentials,
  SignatureDoesNotMatch: credentials,
  IncompleteSignature: credentials,
  IncompleteSignatureException: credentials,
  MissingAuthenticationToken: credentials,
  MissingAuthenticationTokenException: credentials,
  CredentialsProviderError: credentials,
  TokenProviderError: credentials,
  InvalidAccessKeyId: credentials,
  InvalidToken: credentials,
  NoSuchBucket: {
    kind: 'final',
    exit: 'misconfigured',
    remedy: 'make the bucket, or look at its name and the account',
  },
  PermanentRedirect: region,
  AuthorizationHeaderMalformed: region,
  IllegalLocationConstraintException: region,
  AllAccessDisabled: permission,
  AccountProblem: permission,
  SlowDown: theirFault,
  InternalError: theirFault,
  OperationAborted: theirFault,
  RequestTimeout: theirFault,
  // What came was not what was sent.
  BadDigest: theirFault,
  XAmzContentSHA256Mismatch: theirFault,
  ExpiredIteratorException: { kind: 'iterator', exit: 'incomplete' },
  InvalidArgumentException: argument,
  ValidationException: argument,
  SerializationException: argument,
};

/** The codes of node for a peer that cannot be reached or went away. An EPIPE of a socket is one too: it must not be taken for a reader of ours that left. */
const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/** The error of one record of PutRecords, which comes as a code in an answer that is otherwise well. A code that is not known may pass: it is tried again. */
export function awsErrorOf(code: string, doing: string): AwsError {
  const { kind, exit, remedy } = meanings[code] ?? theirFault;
  return new AwsError(kind, code, exit, `${doing}: ${code}`, remedy, undefined);
}

/** Puts whatever the SDK threw into our words; `doing` says what was tried: `putting records into kinesis:mrr_movements`. */
export function awsError(error: unknown, doing: string): unknown {
  if (!(error instanceof Error) || error instanceof Failure || error.name === 'AbortError') return error;
  const { name } = error;
  const { httpStatusCode: status, clockSkewCorrected } = metadataOf(error);
  const make = (meaning: Meaning, code: string, message = error.message) =>
    new AwsError(
      meaning.kind,
      code,
      meaning.exit,
      `${doing}: ${code}${message === '' || message === code ? '' : `: ${withoutValues(message)}`}`,
      meaning.remedy,
      error,
    );
  // The SDK has learnt the service's clock from the refusal: the same request is signed well the next time.
  if (clockSkewCorrected === true) return make(theirFault, name);
  if (status === 413) return make(argument, 'RequestEntityTooLarge', 'the request is too large');
  const known = meanings[name];
  if (known !== undefined) return make(known, name);
  if (status !== undefined && (status >= 500 || status === 429)) return make(theirFault, name, error.message);
  const code = networkCodeOf(error);
  if (code !== undefined)
    return make({ ...theirFault, remedy: 'look at the network and at AWS_ENDPOINT_URL, then run the pipe again' }, code, '');
  if (/region is missing/i.test(error.message))
    return make({ kind: 'final', exit: 'misconfigured', remedy: 'set AWS_REGION' }, 'no region', '');
  if (/credential|token/i.test(name)) return make(credentials, name);
  // An answer that was cut or is no JSON: a proxy, or a connection that broke. The request may have been done.
  if (error instanceof SyntaxError) return make(theirFault, 'the answer is not JSON', '');
  if (status === 401 || status === 403) return make(permission, name);
  if (status !== undefined) return make({ kind: 'final', exit: 'refused' }, name);
  return error;
}

function metadataOf(error: Error): { httpStatusCode?: number; clockSkewCorrected?: boolean } {
  return '$metadata' in error && typeof error.$metadata === 'object' && error.$metadata !== null ? error.$metadata : {};
}

function networkCodeOf(error: Error): string | undefined {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if (networkCodes.has(codeOf(at))) return codeOf(at);
    if (at.name === 'TimeoutError') return 'TimeoutError';
    if (/socket hang up|aborted/.test(at.message)) return 'ECONNRESET';
  }
  return undefined;
}

/** The service quotes what it refuses (`Value 'c_17' at 'partitionKey' failed …`): a message may not hold a record's content. */
function withoutValues(message: string): string {
  return message.replace(/\bvalue '[\s\S]*?' at\b/gi, 'value at').slice(0, 500);
}
