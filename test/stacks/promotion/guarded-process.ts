// A deployer that takes the lock of an environment and runs a program under its guard: says `held`, then the guard's answer as JSON.
// Arguments: root, log, lease in milliseconds, program, arguments.
import { runGuarded } from '#stacks/promotion/guarded-engine.ts';
import { acquireLock } from '#stacks/promotion/lock.ts';

const [root = '', log = '', leaseMs = '', program = '', ...words] = process.argv.slice(2);
const lease = await acquireLock({ root, state: root }, 'local', { holder: 'a deployer', leaseMs: Number(leaseMs) });
const stopping = new AbortController();
process.on('SIGINT', () => stopping.abort());
process.stdout.write('held\n');
const ended = await runGuarded({
  root,
  log,
  program,
  words,
  lease,
  signal: stopping.signal,
  progress: () => undefined,
  onTick: () => undefined,
});
process.stdout.write(`${JSON.stringify(ended)}\n`);
await lease.release();
process.exit(0);
