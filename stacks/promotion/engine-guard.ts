// Runs the engine beside the deployer: `node engine-guard.ts LOG GRACE_MS PROGRAM ARGUMENTS…`. The engine ends when the deployer does,
// whatever killed it, and when the deployer stops telling that it still holds the lock: else it would go on changing the
// environment while somebody else already does. Hears `alive SOFT HARD` (interrupt the engine after SOFT milliseconds and kill it after
// HARD, unless told again) and `stop`; says `engine PID` and `ended CODE`.
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createInterface } from 'node:readline';

const [log = '', grace = '', program = '', ...words] = process.argv.slice(2);
const graceMs = Number(grace);

const output = openSync(log, 'a', 0o600);
const engine = spawn(program, words, {
  // A group of its own: a Ctrl-C in the terminal reaches the deployer alone, and the engine's plugins end with it.
  detached: true,
  stdio: ['ignore', output, output],
  // The event log is an option that the engine offers to programs alone.
  env: { ...process.env, PULUMI_DEBUG_COMMANDS: 'true', PULUMI_SKIP_UPDATE_CHECK: 'true' },
});
closeSync(output);

let interrupted = false;
let timers: readonly NodeJS.Timeout[] = [];

engine.on('spawn', () => say(`engine ${engine.pid ?? 0}`));
engine.on('error', (error) => {
  say(`ended 127 ${error.message}`);
  process.exit(0);
});
engine.on('close', (code) => {
  say(`ended ${code ?? 137}`);
  process.exit(0);
});

// What is said to a deployer that is gone is lost; the engine is ended all the same.
process.stdout.on('error', () => undefined);
createInterface({ input: process.stdin })
  .on('line', (line) => {
    if (line === 'stop') interrupt();
    const [, soft, hard] = /^alive (\d+) (\d+)$/.exec(line) ?? [];
    if (soft === undefined || hard === undefined) return;
    timers.forEach(clearTimeout);
    timers = [setTimeout(interrupt, Number(soft)), setTimeout(killGroup, Number(hard))];
  })
  .on('close', end);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);

/** The engine finishes what is in flight and begins nothing else. */
function interrupt(): void {
  if (interrupted) return;
  interrupted = true;
  engine.kill('SIGINT');
}

/** As `interrupt`, but not for longer than the grace. */
function end(): void {
  interrupt();
  setTimeout(killGroup, graceMs);
}

function killGroup(): void {
  if (engine.pid === undefined) return;
  try {
    process.kill(-engine.pid, 'SIGKILL');
  } catch {
    engine.kill('SIGKILL');
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
