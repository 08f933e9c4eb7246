import { readFileSync } from 'node:fs';
import { composeLibrary, type FunctionLibrary } from './redis-functions.ts';

/** The first file defines what the others use. */
const files = [
  new URL('../lua/bus-lease.lua', import.meta.url),
  new URL('../lua/bus-publish.lua', import.meta.url),
  new URL('../lua/bus-claim.lua', import.meta.url),
  new URL('../lua/bus-renew.lua', import.meta.url),
  new URL('../lua/bus-intent.lua', import.meta.url),
  new URL('../lua/bus-commit.lua', import.meta.url),
  new URL('../lua/bus-release.lua', import.meta.url),
  new URL('../lua/bus-join.lua', import.meta.url),
];

/** The Redis functions of the bus. Stands directly in `src/`, because a bundle keeps `../lua/` beside itself. */
export function readBusLibrary(): FunctionLibrary {
  return composeLibrary(
    'orrery_bus',
    files.map((file) => readFileSync(file, 'utf8')),
  );
}
