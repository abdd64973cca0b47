import { command } from '../../lib/command.ts';
import { Failure } from '../../lib/errors.ts';
import { Hasher } from '../../lib/hash/hasher.ts';
import { readKey } from '../../lib/hash/key.ts';
import { hash } from '../../lib/hash/step.ts';
import { readingOptions, text, texts } from '../../lib/options.ts';

export default command({
  role: 'transform',
  description:
    'Puts a keyed hash in the place of personal data: HMAC-SHA256 under a key from a file, as 64 hexadecimal digits. The same value has the same hash under the same key, so that records can still be counted and joined; without the key nobody can find the value by trying. The rest of a record stays byte for byte; null stays null; an object or an array is hashed as it is written.',
  options: {
    field: texts(
      '--field <PATH>',
      'what is hashed, as email or user.email; * is each element of an array, as contacts.*.email; several times for several',
    ),
    keyFile: text('--key-file <FILE>', 'the file of the secret key, 16 bytes at least, readable by you alone'),
    ...readingOptions,
  },
  examples: [
    { run: 'buda transform hash --field email --key-file key < events.ndjson', shows: 'events without addresses' },
    {
      run: 'buda get-stream tracking_events --app safe -e | buda transform hash --field email --field user_id --key-file key | buda put-stream events_hashed',
      shows: 'a stream that others may read',
    },
  ],
  step(call) {
    const { field, keyFile } = call.options;
    if (field.length === 0) throw new Failure('usage', 'nothing is to be hashed', 'name a field: --field email');
    if (keyFile === undefined) throw new Failure('usage', 'there is no key', 'name its file: --key-file FILE');
    const { key, isOpen } = readKey(keyFile);
    if (isOpen) call.context.say(`others can read ${keyFile}: chmod 600 ${keyFile}`);
    const hasher = new Hasher(key, field);
    return hash(call, hasher, {
      async close() {
        if (hasher.count === 0 && call.context.progress.records > 0)
          call.context.say(`no record had ${field.join(' or ')}: nothing was hashed`);
      },
    });
  },
});
