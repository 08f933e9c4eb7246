import path from 'node:path';
import type { Redis } from 'ioredis';
import { Crew } from '../crew.ts';
import { watchFires } from '../fires.ts';
import { nowMs, openLoop, waitUntil } from '../measure.ts';
import { startMeasuredRedis, type MeasuredRedis } from '../redis.ts';
import type { Kind, Neighbour, Schedules, Workload } from '../workloads.ts';
import { unitsOf } from '../workloads.ts';
import { eventsMax, jobOptions, loadBullmq, outboxKeys, peerVersion, queueName } from './bullmq-library.ts';
import type { Flow, Queue } from './bullmq-library.ts';
import { auditOutbox } from './bullmq-log.ts';
import type { Check, Engine, EngineOptions, Outcome } from './types.ts';

const program = path.join(import.meta.dirname, 'bullmq-worker.ts');
const outboxProgram = path.join(import.meta.dirname, 'bullmq-outbox.ts');
const settleMs = 60_000;
const timeoutMs = 180_000;
/** At once in one call of addBulk, so that no single transaction holds Redis for seconds. */
const bulkMax = 1000;
/** A job that was under way when its worker was killed is looked for after 30 s, and moved at the next look. */
const stalledMs = 65_000;

interface Running {
  readonly redis: MeasuredRedis;
  readonly connection: Redis;
  readonly queue: Queue;
  readonly crew: Crew;
  readonly outbox: Crew | undefined;
  readonly addFlow: (flow: Flow) => Promise<unknown>;
}

export function createBullmq(options: EngineOptions): Engine {
  let running: Running | undefined;
  const up = () => {
    if (running === undefined) throw new Error('bullmq has not started');
    return running;
  };
  return {
    name: 'bullmq',
    version: peerVersion('bullmq'),
    get redis() {
      return running?.redis;
    },
    remark: (kind) =>
      [remarks[kind], options.peerOutbox ? outboxRemark : undefined].filter((word) => word !== undefined).join('; '),
    lacks: () => undefined,
    async start([workload]) {
      running = await startBullmq(options, workload);
    },
    run: (workload) => run(up(), workload),
    settle: () => settle(up()),
    audit: () => audit(up()),
    async stop() {
      if (running === undefined) return;
      const { crew, outbox, queue, connection, redis } = running;
      await crew.stop();
      await outbox?.stop();
      await queue.close();
      connection.disconnect();
      options.meter.release(redis.pid);
      await redis.stop();
      running = undefined;
    },
  };
}

const remarks: Partial<Record<Kind, string>> = {
  diamonds: 'a job has one parent, so the source adds the rest of its diamond as a flow',
  neighbour: 'one queue for both tenants: groups are in the paid edition only',
  schedules: 'job schedulers; killed are the workers, which fire and work',
  wide: 'a job has one parent, so each column is a chain, and one job follows all columns',
};

const outboxRemark = 'server is its outbox: a process that publishes each event of the queue on another stream';

async function startBullmq(options: EngineOptions, first?: Workload): Promise<Running> {
  const { meter, fsync, workers, slots, peerOutbox } = options;
  const redis = await startMeasuredRedis(fsync);
  meter.watch(redis.pid, 'redis');
  const { url: redisUrl, password } = redis.server;
  const { bullmq, connect } = loadBullmq();
  const connection = connect(redisUrl, password);
  const processes = first?.kind === 'schedules' ? first.orchestrators : workers;
  const all = first?.kind === 'neighbour' ? first.slots : slots;
  const order = () => ({ redisUrl, password, slots: Math.ceil(all / processes) });
  // Before all others: it writes down how many events are kept.
  const queue = new bullmq.Queue(queueName, { connection, streams: { events: { maxLen: eventsMax } } });
  await queue.waitUntilReady();
  const outbox = peerOutbox
    ? new Crew({ program: outboxProgram, processes: 1, meter, role: 'server', order })
    : undefined;
  await outbox?.start();
  const crew = new Crew({ program, processes, meter, order });
  await crew.start();
  const flows = new bullmq.FlowProducer({ connection });
  return { redis, connection, queue, crew, outbox, addFlow: (flow) => flows.add(flow) };
}

/** Until its outbox has published the last event. */
async function settle({ redis: { client }, outbox }: Running): Promise<void> {
  if (outbox === undefined) return;
  const isDone = async () => {
    const [position, [last]] = await Promise.all([
      client.get(outboxKeys.position),
      client.xrevrange(outboxKeys.events, '+', '-', 'COUNT', 1),
    ]);
    return last === undefined || last[0] === position;
  };
  await waitUntil(isDone, settleMs, 'the outbox having published all events');
}

async function audit({ redis, queue, outbox }: Running): Promise<Check[]> {
  const { completed = 0, failed = 0 } = await queue.getJobCounts('completed', 'failed');
  const noneFailed = { what: 'no job failed', holds: failed === 0, found: `${failed} failed` };
  return outbox === undefined ? [noneFailed] : [noneFailed, await auditOutbox(redis.client, completed)];
}

async function run(running: Running, workload: Workload): Promise<Outcome> {
  running.crew.reset();
  switch (workload.kind) {
    case 'neighbour':
      return runNeighbour(running, workload);
    case 'schedules':
      return runSchedules(running, workload);
    default: {
      const startedMs = nowMs();
      await submit(running, workload);
      const submitMs = nowMs() - startedMs;
      const steps = stepsOf(workload);
      const wallMs = (await running.crew.until(steps, timeoutMs)) - startedMs;
      return {
        wallMs,
        submitMs,
        samples: { start: running.crew.of('start') },
        checks: checkCounts(running.crew, steps),
      };
    }
  }
}

/** The tree of `wide` has one job more than the steps that are asked for. */
function stepsOf(workload: Workload): number {
  return unitsOf(workload).count + (workload.kind === 'wide' ? 1 : 0);
}

async function submit({ queue, addFlow }: Running, workload: Exclude<Workload, Neighbour | Schedules>): Promise<void> {
  const nothing: Flow = { name: 'nothing', queueName, data: {}, opts: jobOptions };
  const join = (children: readonly Flow[]): Flow => ({
    ...nothing,
    name: 'join',
    data: { expected: children.length },
    children,
  });
  switch (workload.kind) {
    case 'fan-out':
      await addFlow(join(Array.from({ length: workload.tasks }, () => nothing)));
      return;
    case 'chain':
      await addFlow(chainOf(nothing, workload.steps));
      return;
    case 'diamonds': {
      const job = { name: 'source', data: { wide: workload.wide }, opts: jobOptions };
      await addAll(queue, job, workload.runs);
      return;
    }
    case 'start':
      await openLoop(workload.perSecond, workload.seconds, () => addStart(queue, 'start'));
      return;
    case 'wide':
      await addFlow(join(Array.from({ length: workload.columns }, () => chainOf(nothing, workload.layers))));
      return;
  }
}

/** The last step is the root: its child is the step before. */
function chainOf(step: Flow, steps: number): Flow {
  let last = step;
  for (let index = 1; index < steps; index += 1) last = { ...step, children: [last] };
  return last;
}

const addStart = (queue: Queue, sample: string) => queue.add('start', { askedAtMs: nowMs(), sample }, jobOptions);

async function addAll(queue: Queue, job: Parameters<Queue['addBulk']>[0][number], count: number): Promise<void> {
  for (let added = 0; added < count; added += bulkMax) {
    await queue.addBulk(Array.from({ length: Math.min(bulkMax, count - added) }, () => job));
  }
}

async function runNeighbour({ queue, crew }: Running, workload: Neighbour): Promise<Outcome> {
  const { backlog, taskMs, perSecond, seconds } = workload;
  const small = perSecond * seconds;
  const startedMs = nowMs();
  await openLoop(perSecond, seconds, () => addStart(queue, 'alone'));
  await crew.until(small, timeoutMs);
  await addAll(queue, { name: 'busy', data: { busyMs: taskMs }, opts: jobOptions }, backlog);
  const submitMs = nowMs() - startedMs;
  await openLoop(perSecond, seconds, () => addStart(queue, 'behind'));
  const wallMs = (await crew.until(backlog + 2 * small, timeoutMs)) - startedMs;
  const samples = { alone: crew.of('alone'), behind: crew.of('behind') };
  return { wallMs, submitMs, samples, checks: checkCounts(crew, backlog + 2 * small) };
}

async function runSchedules({ queue, crew }: Running, workload: Schedules): Promise<Outcome> {
  const startedMs = nowMs();
  const { schedules, everySeconds } = workload;
  for (let first = 0; first < schedules; first += bulkMax) {
    const some = Array.from({ length: Math.min(bulkMax, schedules - first) }, (_, index) => first + index);
    await Promise.all(
      some.map((index) => {
        const schedule = `schedule-${index}`;
        const second = index % everySeconds;
        const pattern = `${everySeconds === 60 ? second : `${second}/${everySeconds}`} * * * * *`;
        const template = { name: 'fire', data: { schedule }, opts: jobOptions };
        return queue.upsertJobScheduler(schedule, { pattern }, template);
      }),
    );
  }
  const submitMs = nowMs() - startedMs;
  const kill = (place: number) => crew.replace(place);
  const { lags, checks } = await watchFires(workload, { fires: () => crew.fires, kill, patienceMs: stalledMs });
  return { wallMs: nowMs() - startedMs, submitMs, samples: { lag: lags }, checks };
}

function checkCounts(crew: Crew, steps: number): Check[] {
  const { problems, handled } = crew;
  return [
    { what: 'each step was carried out once', holds: handled === steps, found: `${handled} of ${steps}` },
    { what: 'each join read all results', holds: problems.length === 0, found: problems[0] ?? 'it did' },
  ];
}
