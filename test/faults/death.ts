// Preloaded into the deployer of a clone (NODE_OPTIONS=--import=…): kills it at one place of a deployment, right before or right after
// its ledger gets an entry. The place stands in the file that ORRERY_TEST_DEATH names; without that file nothing dies.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

export interface Death {
  readonly when: 'before' | 'after';
  /** The entry, for example `settle started`, `pin` or `deployment-ended`. */
  readonly entry: string;
  /** How long after the entry; default 0: at once, before another statement runs. */
  readonly delayMs?: number;
}

interface Entry {
  readonly event?: { readonly kind: string; readonly step?: string; readonly outcome?: string };
}

const file = process.env['ORRERY_TEST_DEATH'];
if (file !== undefined && (process.argv[1] ?? '').endsWith('agent.ts')) dieAt(file);

function dieAt(deathFile: string): void {
  const { linkSync } = fs;
  fs.linkSync = (from, to) => {
    const death = fs.existsSync(deathFile) ? (JSON.parse(fs.readFileSync(deathFile, 'utf8')) as Death) : undefined;
    const hit = death !== undefined && nameOf(JSON.parse(fs.readFileSync(from, 'utf8')) as Entry) === death.entry;
    if (hit && death.when === 'before') process.kill(process.pid, 'SIGKILL');
    linkSync(from, to);
    if (!hit) return;
    if (death.delayMs === undefined) process.kill(process.pid, 'SIGKILL');
    else setTimeout(() => process.kill(process.pid, 'SIGKILL'), death.delayMs);
  };
  syncBuiltinESMExports();
}

/** How a test names an entry: steps by name and outcome, everything else by its kind. */
function nameOf({ event }: Entry): string {
  if (event === undefined) return '';
  return event.kind === 'deployment-step' ? `${event.step ?? ''} ${event.outcome ?? ''}` : event.kind;
}
