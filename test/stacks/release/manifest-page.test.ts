import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Release } from '@orrery/contracts/release';

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
}

/** Every field of a schema as a path; `<>` stands for a name that the document gives. */
function pathsOf(schema: Schema, above: readonly string[] = []): string[] {
  const named = Object.entries(schema.properties ?? {});
  const free = Object.values(schema.patternProperties ?? {}).map((inner): [string, Schema] => ['<>', inner]);
  return [...named, ...free].flatMap(([key, inner]) => {
    const path = [...above, key];
    return [path.join('.'), ...pathsOf(inner, path)];
  });
}

describe('the page on the release manifest', () => {
  it('tells every field of the schema, and no other', () => {
    const page = readFileSync(new URL('../../../docs/release-manifest.md', import.meta.url), 'utf8');
    const rows = [...page.matchAll(/^\| `([^`]+)`/gm)].map(([, path = '']) => path.replace(/<[^>]*>/g, '<>'));
    const fields = pathsOf(JSON.parse(JSON.stringify(Release)) as Schema).filter((path) => path !== 'services.<>');
    assert.ok(fields.length > 60);
    assert.deepEqual(
      rows.filter((path, index) => rows.indexOf(path) !== index),
      [],
      'told twice',
    );
    assert.deepEqual(rows.toSorted(), fields.toSorted());
  });
});
