import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readDefinition } from '#services/contracts/src/definition.ts';
import type { Pipeline } from '#services/contracts/src/definitions/pipeline.ts';
import type { Value } from '#services/ingest/src/batch.ts';
import type { Lookup } from '#services/ingest/src/lookup.ts';

const file = new URL('../../../definitions/pipelines/flights.yaml', import.meta.url);

/** The text of the pipeline that ships. */
export const flightsText = readFileSync(file, 'utf8');

/** The pipeline that ships, or a change of it. */
export function flightsPipeline(change: (text: string) => string = (text) => text): Pipeline {
  const result = readDefinition(change(flightsText), 'flights.yaml');
  assert.ok(result.ok && result.value.kind === 'Pipeline', JSON.stringify(result));
  return result.value;
}

/** Two airports, with round coordinates. */
export function createLookup(): Lookup {
  const rows = new Map<Value, Value[]>([
    ['LAS', ['Las Vegas', 'NV', 36.08, -115.15]],
    ['PHL', ['Philadelphia', 'PA', 39.87, -75.24]],
  ]);
  return { columns: ['city', 'state', 'latitude', 'longitude'], find: (key) => rows.get(key) };
}
