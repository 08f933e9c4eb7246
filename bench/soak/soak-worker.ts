import { setTimeout as delay } from 'node:timers/promises';
import { StepError } from '@orrery/worker/step-error';
import { createWorker } from '@orrery/worker/worker';

/** A worker process of the soak: started by tree.ts with its order as argument. */
const order = JSON.parse(process.argv[2] ?? '{}') as { url: string; token: string };

const worker = createWorker({
  ...{ ...order, build: 'soak', slots: 8, drainMs: 1000 },
  log: () => undefined,
  handlers: {
    async work({ ms = 10, given }: { ms?: number; given?: unknown }) {
      await delay(ms);
      return { length: JSON.stringify(given ?? '').length };
    },
    list: ({ items }: { items: number }) => Array.from({ length: items }, (_, place) => `item-${place}`),
    shaky(_input: unknown, { attempt }: { attempt: number }) {
      if (attempt === 1) throw new StepError('the first attempt fails', { class: 'unavailable' });
      return attempt;
    },
    hopeless() {
      throw new StepError('every attempt fails', { class: 'unavailable' });
    },
  },
});
await worker.ready;
process.stdout.write('ready\n');
await worker.closed;
