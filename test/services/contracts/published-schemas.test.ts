import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, it } from 'mocha';
import { publishedSchemas, schemaFolder } from '#services/contracts/src/publish-schemas.ts';

describe('the published schemas', () => {
  it('are what the types say', async () => {
    const stale: string[] = [];
    for (const [file, text] of publishedSchemas()) {
      const published = await readFile(new URL(file, schemaFolder), 'utf8').catch(() => '');
      if (published !== text) stale.push(file);
    }
    assert.deepEqual(stale, [], 'publish them: node services/contracts/src/publish-schemas.ts');
    assert.deepEqual((await readdir(schemaFolder)).sort(), [...publishedSchemas().keys()].sort());
  });

  it('are valid JSON Schema by themselves, and refuse what is wrong', () => {
    for (const [file, text] of publishedSchemas()) {
      const schema = JSON.parse(text) as { $id: string };
      assert.equal(schema.$id, `https://orrery.dev/schema/${file}`);
      const check = new Ajv2020({ strict: false }).compile(schema);
      assert.equal(check({ unknown: true }), false, file);
    }
  });
});
