import { command } from '../lib/command.ts';
import { deliver } from '../lib/delivery.ts';
import { Failure } from '../lib/errors.ts';
import { partitionOption } from '../lib/objects/partition.ts';
import { objectPlace } from '../lib/objects/place.ts';
import { ObjectSink } from '../lib/objects/sink.ts';
import { flag, sinkOptions, size, text } from '../lib/options.ts';

const mebibyte = 1024 ** 2;
/** An object is put in one piece, out of memory. */
const maxObjectBytes = 1024 * mebibyte;

export default command({
  role: 'sink',
  description:
    'Puts records into objects of S3 (or files of a folder, laid out in the same way): NDJSON, each line as it came. Under an app an object holds what an epoch has for one partition; without one, objects are cut by size. For each object a line is printed, under an app once it is committed, with its key, its ETag, its range and its counts, so that a loader can go on from there.',
  args: [{ name: 'URL', summary: 'where they go: s3://BUCKET/PREFIX, or file:DIR' }],
  options: {
    time: text('--time <FIELD>', "the field with a record's time: RFC 3339, or seconds or milliseconds since 1970"),
    partition: partitionOption,
    gzip: flag('--gzip', 'compress the objects'),
    objectSize: size('--object-size <SIZE>', 'what an object holds at most, before it is compressed', 32 * mebibyte, '32MiB'),
    ...sinkOptions,
  },
  examples: [
    {
      run: 'buda get-stream tracking_events --app lake --epoch 32MiB -e | buda put-s3 s3://lake/tracking --app lake --gzip',
      shows: 'what is new in a stream since the last run, e.g. from cron',
    },
    {
      run: "buda put-s3 file:lake --time created_at --partition 'dt=%Y-%m-%d' < events.ndjson | buda put-table objects",
      shows: 'a file into a folder, by day; what was written goes into a table',
    },
  ],
  sections: {
    Objects:
      'A key is PREFIX/PARTITION/APP-SHARD-FROM-NUMBER-DIGEST.ndjson: FROM is where the epoch begins, DIGEST a part of the sha256 of what is in the object. So a replay that is cut the same way writes over itself. The keys of an epoch are saved in the state before the first of its objects is put; what a run put and did not commit is taken away as the next one puts those records again, should it cut them otherwise. (With --forward, what is more than 1,000 epochs behind is not known any more.) Without an app a key is PREFIX/PARTITION/part-ROUND-NUMBER-DIGEST.ndjson, and the same input put again with the same options writes over itself.',
    'What is printed':
      'One line for each object, with id (its URL), key, etag, app, commit, shard, from, to, records, bytes (of its lines, before they are compressed), first_at and last_at (the least and the greatest of --time). Under an app it is printed after the commit: a run that is killed in between does not print that epoch again. Where no object may be missed, let the next step commit, as put-s3 --forward | put-table objects: an object that a killed run had told, and that the next one takes away, is then told once more, with "op":"delete".',
    'What it needs':
      'The permissions s3:PutObject and, for what a killed run has left, s3:DeleteObject. Region, credentials and endpoint come as for every tool of AWS: AWS_REGION, AWS_PROFILE, roles, AWS_ENDPOINT_URL_S3.',
  },
  step(call) {
    const { time, partition, gzip, objectSize } = call.options;
    if (partition !== undefined && time === undefined)
      throw new Failure('usage', '--partition needs --time: the field that it goes by');
    if (objectSize === 0 || objectSize > maxObjectBytes)
      throw new Failure('usage', '--object-size takes a size like 32MiB, at most 1GiB');
    const place = objectPlace(call.args[0] ?? '', call.context);
    return deliver(call, new ObjectSink(call, place, { time, partition, isCompressed: gzip, objectBytes: objectSize }));
  },
});
