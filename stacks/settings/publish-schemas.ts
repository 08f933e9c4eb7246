import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import Type, { type TObject } from 'typebox';
import { LocalSettings } from '../local/settings.ts';
import { closed } from './fields.ts';
import { forms } from './settings.ts';

const dialect = 'https://json-schema.org/draft/2020-12/schema';

/** The folder from which editors read what a `Pulumi.<env>.yaml` may say: its first line names the file of its target. */
export const schemaFolder = new URL('schema/', import.meta.url);

/** Every published file and its text; `schema/` holds exactly these. */
export function publishedSchemas(): Map<string, string> {
  const targets = { ...Object.fromEntries(Object.entries(forms).map(([target, { schema }]) => [target, schema])) };
  return new Map(
    Object.entries({ ...targets, local: LocalSettings }).map(([name, settings]) => {
      const head = { $schema: dialect, $comment: 'Generated: do not edit.', title: `Pulumi.<env>.yaml of ${name}` };
      return [`${name}.json`, `${JSON.stringify({ ...head, ...fileOf(settings) }, null, 2)}\n`];
    }),
  );
}

/** A file holds settings below `config`, each key with the prefix of the project; other projects' keys may stand beside them. */
function fileOf(settings: TObject): TObject {
  const keys = Object.entries(settings.properties).map(([key, schema]) => [`orrery:${key}`, schema] as const);
  const config = Type.Object(Object.fromEntries(keys), { patternProperties: { '^(?!orrery:)': {} }, ...closed });
  return Type.Object({ config });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(schemaFolder, { recursive: true });
  for (const [file, text] of publishedSchemas()) writeFileSync(new URL(file, schemaFolder), text);
}
