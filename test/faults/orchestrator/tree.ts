import { Redis } from 'ioredis';
import { auditLog, type LogAudit } from '#bench/soak/log-audit.ts';
import { readLog } from '#bench/soak/samples.ts';
import { keys } from '#services/orchestrator/src/core/keys.ts';
import { Environment, type EnvironmentOptions, type Orchestrator } from '#test/services/orchestrator/environment.ts';
import { findPython, WorkerProcess, type Language } from '#test/services/worker/place.ts';
import { eventually } from '#test/support/eventually.ts';
import { findFreePort } from '#bench/orchestrator/redis-server.ts';

export const leaseMs = 1000;
/** So that what a frozen process held is another's before it wakes up. */
export const frozenMs = 1600;
const languages: readonly Language[] = ['typescript', 'typescript', 'typescript', 'python'];
const openStates = new Set(['queued', 'running', 'cancelling']);

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Two orchestrators on a real Redis, with three workers in TypeScript and one in Python: each a process, each to be struck. */
export class ProcessTree {
  readonly environment: Environment;
  readonly orchestrators: Orchestrator[] = [];
  /** Refused results that processes told of before they were killed. */
  #staleBefore = 0;
  #workers: WorkerProcess[] = [];
  #ports: number[] = [];
  #client: Redis | undefined;

  constructor(options: EnvironmentOptions) {
    const settings = { leaseMs, lapsesMax: 200, queuedRunsMax: 5000, ...options.settings };
    this.environment = new Environment({ redis: { appendonly: true }, ...options, settings });
  }

  get client(): Redis {
    if (this.#client === undefined) throw new Error('the tree has not started');
    return this.#client;
  }

  get workers(): readonly WorkerProcess[] {
    return this.#workers;
  }

  async start(more: Readonly<Record<string, unknown>> = {}): Promise<void> {
    await this.environment.start();
    await findPython();
    const { redis, token } = this.environment;
    this.#client = new Redis(redis.url, { password: token, retryStrategy: () => 50 });
    this.#client.on('error', () => undefined);
    this.#ports = [await findFreePort(), await findFreePort()];
    for (const port of this.#ports) this.orchestrators.push(await this.environment.orchestrator({ port, ...more }));
    this.#workers = languages.map((_language, place) => this.#worker(place));
  }

  async stop(): Promise<void> {
    for (const { child } of this.#workers) child.kill('SIGKILL');
    // What is frozen hears nothing but this.
    for (const orchestrator of this.orchestrators) orchestrator.signal('SIGKILL');
    this.#client?.disconnect();
    await this.environment.stop();
  }

  /** SIGKILL, and another in its place. */
  async killWorker(place: number): Promise<void> {
    const worker = this.#workers[place];
    if (worker === undefined) return;
    this.#staleBefore += countStale(worker.stderr);
    worker.signal('SIGKILL');
    await worker.exited;
    this.#workers[place] = this.#worker(place);
  }

  async freezeWorker(place: number): Promise<void> {
    this.#workers[place]?.signal('SIGSTOP');
    await pause(frozenMs);
    this.#workers[place]?.signal('SIGCONT');
  }

  async killOrchestrator(place: number): Promise<void> {
    const orchestrator = this.orchestrators[place];
    if (orchestrator === undefined) return;
    this.#staleBefore += countStale(orchestrator.output);
    await orchestrator.restart();
  }

  async freezeOrchestrator(place: number): Promise<void> {
    this.orchestrators[place]?.signal('SIGSTOP');
    await pause(frozenMs);
    this.orchestrators[place]?.signal('SIGCONT');
  }

  /** Results that came under a fence that was another's by then, as those who brought them tell. */
  stale(): number {
    const texts = [...this.#workers.map(({ stderr }) => stderr), ...this.orchestrators.map(({ output }) => output)];
    return texts.reduce((sum, text) => sum + countStale(text), this.#staleBefore);
  }

  /** A run that is taken in once, however often the answer is lost. */
  async submit(workflow: string, key: string, parameters: Record<string, unknown> = {}): Promise<string> {
    const ask = async () => {
      for (const orchestrator of this.orchestrators) {
        const run = await orchestrator.run(workflow, parameters, { key }).catch(() => undefined);
        if (run !== undefined) return run;
      }
      return undefined;
    };
    return eventually(ask, { timeoutMs: 30_000, intervalMs: 100, what: `${workflow} taken in` });
  }

  /** Waits until no run is open and the relay has handed everything on; gives what the log says then. */
  async settle(runs: number, timeoutMs = 60_000): Promise<LogAudit> {
    const settled = async () => {
      if ((await this.client.xlen(keys.outbox('s00'))) > 0) return undefined;
      const audit = auditLog(await this.readLog());
      const states = [...audit.runs.values()];
      return states.length >= runs && !states.some((state) => openStates.has(state)) && audit;
    };
    return eventually(settled, { timeoutMs, intervalMs: 300, what: 'the end of all runs' });
  }

  readLog(): Promise<string[]> {
    return readLog(this.client);
  }

  /** What is held while nothing runs: nothing. */
  async left(): Promise<Record<string, unknown>> {
    const [held, leases, timers, todo] = await Promise.all([
      this.client.hgetall(keys.held('s00')),
      this.client.zcard(keys.leases('s00')),
      this.client.zcard(keys.timers('s00')),
      this.client.llen(`${keys.prefix('s00')}todo`),
    ]);
    const lines = await this.client.keys(`${keys.prefix('s00')}{ready,slots,queue,park,turn}:*`);
    return { held, leases, timers, todo, lines };
  }

  #worker(place: number): WorkerProcess {
    const port = this.#ports[place % this.#ports.length] ?? 0;
    const { token } = this.environment;
    return new WorkerProcess(languages[place] ?? 'typescript', {
      ...{ url: `http://127.0.0.1:${port}`, token, slots: 6, drainMs: 500 },
    });
  }
}

function countStale(text: string): number {
  return text.match(/"(?:msg|message)":"(?:a late result was refused|[^"]*lease was lost[^"]*)/g)?.length ?? 0;
}
