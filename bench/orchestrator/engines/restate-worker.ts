import { createRequire } from 'node:module';
import path from 'node:path';
import { Work, type CrewOrder } from '../work.ts';
import { peersFolder } from './bullmq-library.ts';

/** The part of Restate's SDK that is used here. */
interface Restate {
  service(definition: {
    name: string;
    handlers: Record<string, (context: Context, input: never) => Promise<unknown>>;
  }): object;
  endpoint(): Endpoint;
  readonly RestatePromise: { all(calls: readonly Promise<unknown>[]): Promise<unknown[]> };
}
interface Endpoint {
  bind(service: object): Endpoint;
  listen(port: number): Promise<unknown>;
}
interface Context {
  serviceClient(service: { name: string }): { nothing(input: number): Promise<unknown> };
  run(name: string, act: () => unknown): Promise<unknown>;
}

/** A worker process of Restate: forked by engines/restate.ts, called by the server. */
const order = JSON.parse(process.argv[2] ?? '{}') as CrewOrder;
const restate = createRequire(path.join(peersFolder, 'package.json'))('@restatedev/restate-sdk') as Restate;
const work = new Work();
const tasks = { name: 'tasks' };

const steps = restate.service({
  name: 'tasks',
  handlers: {
    nothing: async () => work.nothing(),
    start: async (_context, { sample, askedAtMs }: { sample: string; askedAtMs: number }) =>
      work.started(sample, askedAtMs),
  },
});

/** A step is a call of a service, which the server keeps at both ends. What ends a run is kept too, so that it counts once. */
const flows = restate.service({
  name: 'flows',
  handlers: {
    async fanOut(context, wide: number) {
      const results = await callMany(context, wide);
      return context.run('join', () => work.join(results.length, wide));
    },
    async chain(context, count: number) {
      const client = context.serviceClient(tasks);
      for (let index = 0; index < count; index += 1) await client.nothing(index);
    },
    async diamond(context, wide: number) {
      await context.serviceClient(tasks).nothing(0);
      const results = await callMany(context, wide);
      return context.run('join', () => work.join(results.length, wide));
    },
  },
});

function callMany(context: Context, count: number): Promise<unknown[]> {
  const client = context.serviceClient(tasks);
  return restate.RestatePromise.all(Array.from({ length: count }, (_, index) => client.nothing(index)));
}

await restate
  .endpoint()
  .bind(steps)
  .bind(flows)
  .listen(Number(new URL(order.url ?? '').port));
work.ready();
