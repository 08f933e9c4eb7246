import { readFileSync } from 'node:fs';
import { composeLibrary, type FunctionLibrary } from '@orrery/kit/redis-functions';

/** In the order in which they build on each other: what a shard is, the moves, then the functions themselves. */
const files = [
  new URL('../lua/shard.lua', import.meta.url),
  new URL('../lua/definition.lua', import.meta.url),
  new URL('../lua/state.lua', import.meta.url),
  new URL('../lua/slots.lua', import.meta.url),
  new URL('../lua/steps.lua', import.meta.url),
  new URL('../lua/waits.lua', import.meta.url),
  new URL('../lua/runs.lua', import.meta.url),
  new URL('../lua/submit-runs.lua', import.meta.url),
  new URL('../lua/exchange-steps.lua', import.meta.url),
  new URL('../lua/beat-leases.lua', import.meta.url),
  new URL('../lua/tick.lua', import.meta.url),
  new URL('../lua/control.lua', import.meta.url),
  new URL('../lua/signal.lua', import.meta.url),
  new URL('../lua/relay-log.lua', import.meta.url),
  new URL('../lua/purge-runs.lua', import.meta.url),
  new URL('../lua/replay-entry.lua', import.meta.url),
];

/** The Redis functions of the orchestrator. Two releases side by side each load their own. */
export function readLibrary(): FunctionLibrary {
  return composeLibrary(
    'orrery_orchestrator',
    files.map((file) => readFileSync(file, 'utf8')),
  );
}
