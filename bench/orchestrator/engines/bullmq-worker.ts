import type { CrewOrder } from '../work.ts';
import { Work } from '../work.ts';
import { jobOptions, loadBullmq, queueName, type Job } from './bullmq-library.ts';

/** A worker process of BullMQ: forked by engines/bullmq.ts with its order as argument. */
const order = JSON.parse(process.argv[2] ?? '{}') as CrewOrder;
const { bullmq, connect } = loadBullmq();
const connection = connect(order.redisUrl, order.password);
const flows = new bullmq.FlowProducer({ connection });
const work = new Work();

async function carryOut(job: Job): Promise<unknown> {
  const { expected = 0, askedAtMs = 0, sample = '', busyMs = 0, schedule = '', wide = 0 } = job.data;
  switch (job.name) {
    case 'nothing':
      return work.nothing();
    case 'join':
      return work.join(Object.keys(await job.getChildrenValues()).length, expected);
    case 'start':
      return work.started(sample, askedAtMs);
    case 'busy':
      return work.busy(busyMs);
    case 'fire':
      return work.fired(schedule, Number(job.id.split(':').at(-1)));
    case 'source':
      await addDiamond(wide);
      return work.nothing();
    default:
      throw new Error(`there is no handler ${job.name}`);
  }
}

/** A job has one parent, so what follows a common source is added by the source itself: so do BullMQ's users. */
async function addDiamond(wide: number): Promise<void> {
  const child = { name: 'nothing', queueName, data: {}, opts: jobOptions };
  const children = Array.from({ length: wide }, () => child);
  await flows.add({ name: 'join', queueName, data: { expected: wide }, opts: jobOptions, children });
}

const worker = new bullmq.Worker(queueName, carryOut, { connection, concurrency: order.slots });
worker.on('error', (error) => work.problem(error.message));
await worker.waitUntilReady();
work.ready();
