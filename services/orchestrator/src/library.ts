import { readFileSync } from 'node:fs';
import { composeLibrary, type FunctionLibrary } from '@orrery/kit/redis-functions';

/** The first file defines what the others use. */
const files = [
  new URL('../lua/run-state.lua', import.meta.url),
  new URL('../lua/submit-run.lua', import.meta.url),
  new URL('../lua/claim-steps.lua', import.meta.url),
  new URL('../lua/finish-step.lua', import.meta.url),
  new URL('../lua/beat-leases.lua', import.meta.url),
  new URL('../lua/reap-leases.lua', import.meta.url),
  new URL('../lua/fire-timers.lua', import.meta.url),
  new URL('../lua/control-run.lua', import.meta.url),
  new URL('../lua/relay-events.lua', import.meta.url),
  new URL('../lua/purge-runs.lua', import.meta.url),
];

/** The Redis functions of the orchestrator: one for each transition. Two releases side by side each load their own. */
export function readLibrary(): FunctionLibrary {
  return composeLibrary(
    'orrery_orchestrator',
    files.map((file) => readFileSync(file, 'utf8')),
  );
}
