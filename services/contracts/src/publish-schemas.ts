import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { definitionSchemas } from './definition.ts';
import { LedgerEntry } from './ledger.ts';
import { Pair } from './pair.ts';
import { Binding, Pin } from './pin.ts';
import { Release } from './release.ts';
import { RunLogEntry } from './run-event.ts';
import { ServiceManifest } from './service-manifest.ts';

/** The dialect in which the schemas are written. */
const dialect = 'https://json-schema.org/draft/2020-12/schema';

/** Every published file and its text; `schema/` holds exactly these. */
export function publishedSchemas(): Map<string, string> {
  const schemas = {
    workflow: definitionSchemas.Workflow,
    pipeline: definitionSchemas.Pipeline,
    'feature-set': definitionSchemas.FeatureSet,
    model: definitionSchemas.Model,
    binding: Binding,
    'ledger-entry': LedgerEntry,
    pair: Pair,
    pin: Pin,
    release: Release,
    'run-log-entry': RunLogEntry,
    service: ServiceManifest,
  };
  return new Map(
    Object.entries(schemas).map(([name, schema]) => {
      const $id = `https://orrery.dev/schema/${name}.json`;
      const text = JSON.stringify({ $schema: dialect, $comment: 'Generated: do not edit.', ...schema, $id }, null, 2);
      return [`${name}.json`, `${text}\n`];
    }),
  );
}

/** The folder from which editors read the schemas. */
export const schemaFolder = new URL('../schema/', import.meta.url);

async function publish(): Promise<void> {
  await mkdir(schemaFolder, { recursive: true });
  for (const [file, text] of publishedSchemas()) await writeFile(new URL(file, schemaFolder), text);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await publish();
