import { command } from '../../lib/command.ts';
import { Failure } from '../../lib/errors.ts';
import { BadLine } from '../../lib/lines.ts';
import { choice, readingOptions, text } from '../../lib/options.ts';
import { each } from '../../lib/steps.ts';

export default command({
  role: 'transform',
  description:
    'Lets records through, byte for byte, that are what a JSON Schema says; the others are rejected, with the reason. A file is the schema of all records; a folder has one for each type, <type>.json. Drafts 7, 2019-09 and 2020-12, by $schema. The reason names the place in the schema and nothing of the record.',
  options: {
    schema: text('--schema <FILE|DIR>', 'the schema, or the folder of schemas'),
    typeField: text('--type-field <NAME>', 'with a folder: the field that names the type', 'type'),
    unknown: choice(
      '--unknown <HOW>',
      'with a folder: what becomes of records whose type has no schema',
      ['reject', 'pass'],
      'reject',
    ),
    ...readingOptions,
  },
  examples: [
    {
      run: 'buda transform validate --schema schema.json < events.ndjson',
      shows: 'end with 65 at the first record that is not as it should be',
    },
    {
      run: 'buda transform validate --schema schema.json --dead-letter bad.ndjson --max-dead 1% < events.ndjson',
      shows: 'keep those that are not, with the reason; one in a hundred at most',
    },
  ],
  sections: {
    FORMATS:
      'Of the formats date-time, date, email, uri and uuid are checked; the others say what a value is for. Schemas of a folder may refer to each other by the name of the file. Nothing is fetched from elsewhere.',
  },
  async step(call) {
    const { schema, typeField, unknown } = call.options;
    if (schema === undefined) throw new Failure('usage', 'there is no schema', 'name it: --schema FILE');
    const { isFolder, loadSchema, loadSchemas } = await import('../../lib/ajv/schemas.ts');
    if (!isFolder(schema)) {
      const check = await loadSchema(schema);
      return each(call, (line) => {
        const reason = check(line.record);
        if (reason !== undefined) throw new BadLine(reason);
        return line;
      });
    }
    const checkOf = await loadSchemas(schema);
    return each(call, (line) => {
      const type = line.record[typeField];
      const check = typeof type === 'string' ? checkOf(type) : undefined;
      if (check === undefined && unknown === 'pass') return line;
      const reason = check === undefined ? 'its type has no schema' : check(line.record);
      if (reason !== undefined) throw new BadLine(reason);
      return line;
    });
  },
});
