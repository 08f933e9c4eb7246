import { createWorker } from '@orrery/worker/worker';
import { Work, type CrewOrder } from '../work.ts';

/** A worker process of ours: forked by engines/orrery.ts with its order as argument. */
const order = JSON.parse(process.argv[2] ?? '{}') as CrewOrder;
const work = new Work();

const worker = createWorker({
  ...{ url: order.url ?? '', token: order.token ?? '', slots: order.slots },
  tenant: '*',
  build: 'bench',
  drainMs: 1000,
  // It tells of its connection as it drains; what goes wrong with the work is counted.
  log: () => undefined,
  handlers: {
    nothing: () => work.nothing(),
    join: ({ results, expected }: { results: object; expected: number }) =>
      work.join(Object.values(results).filter((result) => result === 1).length, expected),
    start: ({ sample, askedAtMs }: { sample: string; askedAtMs: number }) => work.started(sample, askedAtMs),
    busy: ({ ms }: { ms: number }) => work.busy(ms),
    fire: ({ schedule, time }: { schedule: string; time: string }) => work.fired(schedule, Date.parse(time)),
  },
});
await worker.ready;
work.ready();
await worker.closed;
process.exit();
