/** A place that holds objects by key: a bucket of S3, or a folder laid out in the same way. Each request is tried once. */
export interface ObjectStore {
  /** Puts an object in place whole and durable, over whatever has its key; gives its ETag, without quotes. */
  put(key: string, bytes: Buffer, form: ObjectForm): Promise<string>;
  /** Takes an object away; one that is not there is no failure. */
  remove(key: string): Promise<void>;
  close(): void;
}

/** How an object's bytes are to be read. */
export interface ObjectForm {
  isCompressed: boolean;
}
