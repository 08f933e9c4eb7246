import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Crew } from '../crew.ts';
import { eachOf, nowMs, openLoop, waitUntil } from '../measure.ts';
import { findFreePort } from '../redis-server.ts';
import { unitsOf, type Kind, type Workload } from '../workloads.ts';
import { peersFolder, peerVersion } from './bullmq-library.ts';
import { HttpSender } from './http-sender.ts';
import type { Engine, EngineOptions, Outcome } from './types.ts';

const program = path.join(import.meta.dirname, 'restate-worker.ts');
const startTimeoutMs = 60_000;
const timeoutMs = 180_000;
const submittersMax = 32;

interface Running {
  readonly server: ChildProcess;
  readonly folder: string;
  readonly sender: HttpSender;
  readonly ingress: string;
  readonly crew: Crew;
}

/** Restate as its npm package starts it: one node, RocksDB in a folder, its own defaults of durability. */
export function createRestate(options: EngineOptions): Engine {
  let running: Running | undefined;
  const up = () => {
    if (running === undefined) throw new Error('restate has not started');
    return running;
  };
  return {
    name: 'restate',
    version: peerVersion('@restatedev/restate-server'),
    redis: undefined,
    remark: () =>
      'a step is a call of a service; slots are not bounded; durability is its default, whatever --fsync says',
    lacks: (kind) => lacks[kind],
    async start() {
      running = await startRestate(options);
    },
    run: (workload) => run(up(), workload),
    settle: async () => undefined,
    audit: async () => [],
    async stop() {
      if (running === undefined) return;
      const { server, sender, crew, folder } = running;
      sender.close();
      await crew.stop();
      if (server.pid !== undefined) options.meter.release(server.pid);
      const exited = once(server, 'exit');
      server.kill('SIGKILL');
      await exited;
      rmSync(folder, { recursive: true, force: true });
      running = undefined;
    },
  };
}

const lacks: Partial<Record<Kind, string>> = {
  neighbour: 'slots of tenants are no part of it',
  schedules: 'a schedule is a handler that calls itself again',
  wide: 'a graph is code: what would be measured is a loop of ours',
};

async function startRestate({ meter, workers, slots }: EngineOptions): Promise<Running> {
  const folder = mkdtempSync(path.join(tmpdir(), 'restate-bench-'));
  const [node, ingress, admin, endpoint] = [
    await findFreePort(),
    await findFreePort(),
    await findFreePort(),
    await findFreePort(),
  ];
  const load = createRequire(path.join(peersFolder, 'package.json'));
  const binary = load.resolve(`@restatedev/restate-server-${process.platform}-${process.arch}/bin/restate-server`);
  const server = spawn(binary, ['--base-dir', folder], {
    env: {
      ...process.env,
      RESTATE_BIND_ADDRESS: `127.0.0.1:${node}`,
      RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ingress}`,
      RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${admin}`,
      RESTATE_DISABLE_TELEMETRY: 'true',
      RESTATE_LOG_FILTER: 'error',
    },
    stdio: 'ignore',
  });
  if (server.pid !== undefined) meter.watch(server.pid, 'server');
  const url = `http://127.0.0.1:${endpoint}`;
  const order = () => ({ redisUrl: '', password: '', slots, url });
  // The server calls one address: more processes would need a balancer before them.
  const crew = new Crew({
    program,
    processes: Math.min(1, workers),
    meter,
    order,
    environment: { RESTATE_LOGGING: 'ERROR' },
  });
  await crew.start();
  const sender = new HttpSender();
  const register = () =>
    sender.post(`http://127.0.0.1:${admin}/deployments`, { uri: url, force: true }).then(
      () => true,
      () => false,
    );
  await waitUntil(register, startTimeoutMs, 'restate-server taking the deployment');
  return { server, folder, sender, ingress: `http://127.0.0.1:${ingress}`, crew };
}

async function run({ ingress, sender, crew }: Running, workload: Workload): Promise<Outcome> {
  crew.reset();
  const startedMs = nowMs();
  await submit((handler, body) => sender.post(`${ingress}/${handler}/send`, body), workload);
  const submitMs = nowMs() - startedMs;
  const { count } = unitsOf(workload);
  const wallMs = (await crew.until(count, timeoutMs)) - startedMs;
  const checks = [
    { what: 'each step was carried out once', holds: crew.handled === count, found: `${crew.handled} of ${count}` },
  ];
  return { wallMs, submitMs, samples: { start: crew.of('start') }, checks };
}

async function submit(
  send: (handler: string, body: unknown) => Promise<unknown>,
  workload: Workload,
): Promise<unknown> {
  switch (workload.kind) {
    case 'fan-out':
      return send('flows/fanOut', workload.tasks);
    case 'chain':
      return send('flows/chain', workload.steps);
    case 'diamonds': {
      const runs = Array<number>(workload.runs).fill(workload.wide);
      return eachOf(runs, submittersMax, (wide) => send('flows/diamond', wide));
    }
    case 'start':
      return openLoop(workload.perSecond, workload.seconds, () =>
        send('tasks/start', { sample: 'start', askedAtMs: nowMs() }),
      );
    default:
      throw new Error(`restate: ${lacks[workload.kind] ?? ''}`);
  }
}
