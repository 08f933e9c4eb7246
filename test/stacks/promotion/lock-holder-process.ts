// A process that asks for the lock of an environment and says `held <fence>` or the code of its refusal; then it obeys lines: `assert`,
// `append`, `release`. Arguments: root, state, environment, lease in milliseconds, wait in milliseconds.
import { createInterface } from 'node:readline';
import { digestOfBytes } from '@orrery/contracts/digest';
import { CommandError } from '#stacks/errors.ts';
import { appendEntry } from '#stacks/promotion/ledger.ts';
import { acquireLock } from '#stacks/promotion/lock.ts';

const [root = '', state = '', environment = '', leaseMs = '60000', waitMs = '0'] = process.argv.slice(2);
const places = { root, state };
const say = (text: string) => process.stdout.write(`${text}\n`);
const codeOf = (error: unknown) => (error instanceof CommandError ? error.code : String(error));

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
say('ready');
await lines.next();
try {
  const lease = await acquireLock(places, environment, {
    holder: `process ${process.pid}`,
    leaseMs: Number(leaseMs),
    waitMs: Number(waitMs),
  });
  say(`held ${lease.fence}`);
  const digest = digestOfBytes('pin');
  const works: Record<string, () => Promise<unknown>> = {
    assert: () => lease.assertHeld(),
    append: () =>
      Promise.resolve().then(() =>
        appendEntry(places, environment, {
          at: '2026-01-01T00:00:00.000Z',
          actor: 'a-process',
          reason: 'asked to',
          fence: lease.fence,
          event: { kind: 'pin', pin: { schema: 2, release: digest, binding: digest, render: digest }, from: null },
        }),
      ),
    release: () => lease.release(),
  };
  for (let line = await lines.next(); line.done !== true; line = await lines.next()) {
    await works[line.value]?.().then(
      () => say('ok'),
      (error: unknown) => say(codeOf(error)),
    );
  }
} catch (error) {
  say(codeOf(error));
}
process.exit(0);
