import { DeleteObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { awsError } from './errors.ts';
import { patientSettings } from './session.ts';

/** A bucket of S3, as far as buda needs it. Each request is tried once and throws an AwsError. */
export class S3Bucket {
  readonly #client: S3Client;
  readonly #bucket: string;

  /** `isPath`: the bucket is a part of the path, not of the host's name. */
  constructor(bucket: string, isPath: boolean) {
    this.#client = new S3Client({
      ...patientSettings(),
      forcePathStyle: isPath,
      // To wait for `100 Continue` holds up each object where something on the way does not send it.
      expectContinueHeader: false,
    });
    this.#bucket = bucket;
  }

  /** Puts an object over whatever has its key; gives its ETag, without quotes. */
  async put(key: string, bytes: Buffer, { isCompressed }: { isCompressed: boolean }): Promise<string> {
    try {
      const { ETag } = await this.#client.send(
        new PutObjectCommand({
          Bucket: this.#bucket,
          Key: key,
          Body: bytes,
          ContentType: isCompressed ? 'application/gzip' : 'application/x-ndjson',
        }),
      );
      return (ETag ?? '').replaceAll('"', '');
    } catch (error) {
      throw awsError(error, `putting an object into s3://${this.#bucket}`);
    }
  }

  /** One that is not there is no failure. */
  async remove(key: string): Promise<void> {
    try {
      await this.#client.send(new DeleteObjectCommand({ Bucket: this.#bucket, Key: key }));
    } catch (error) {
      throw awsError(error, `taking away an object of s3://${this.#bucket} that was never committed`);
    }
  }

  close(): void {
    this.#client.destroy();
  }
}
