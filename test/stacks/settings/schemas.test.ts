import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { publishedSchemas, schemaFolder } from '#stacks/settings/publish-schemas.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const files = readdirSync(root).filter((file) => /^Pulumi\.[a-z0-9-]+\.yaml$/.test(file));

describe('the schemas of settings that editors read', () => {
  it('are what the types say; `npm run schemas` writes them', () => {
    const published = publishedSchemas();
    assert.deepEqual(readdirSync(schemaFolder).sort(), [...published.keys()].sort());
    for (const [file, text] of published) assert.equal(readFileSync(new URL(file, schemaFolder), 'utf8'), text, file);
  });

  for (const file of files) {
    it(`are named on the first line of ${file}, and hold for it`, () => {
      const text = readFileSync(join(root, file), 'utf8');
      const [, schema = ''] = /^# yaml-language-server: \$schema=(\S+)\n/.exec(text) ?? [];
      assert.match(schema, /^stacks\/settings\/schema\/[a-z]+\.json$/);
      const ajv = new Ajv2020({ allErrors: true, strict: false, discriminator: true });
      const validate = ajv.compile(JSON.parse(readFileSync(join(root, schema), 'utf8')) as object);
      validate(parse(text));
      assert.deepEqual(validate.errors ?? [], []);
    });
  }

  it('refuse a key that nobody knows, and let another project’s key stand', () => {
    const schema = JSON.parse(publishedSchemas().get('aws.json') ?? '') as {
      properties: { config: { required: string[] } };
    };
    const validate = new Ajv2020({ allErrors: true, strict: false, discriminator: true }).compile(schema);
    validate({ config: { 'orrery:regoin': 'eu-west-1', 'aws:region': 'eu-west-1' } });
    const unknown = validate.errors?.filter(({ keyword }) => keyword === 'additionalProperties');
    assert.deepEqual(
      unknown?.map(({ params }) => (params as { additionalProperty: string }).additionalProperty),
      ['orrery:regoin'],
    );
  });
});
