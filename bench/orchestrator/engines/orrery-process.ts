import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { waitUntil, type Meter } from '../measure.ts';
import { HttpSender } from './http-sender.ts';

const main = path.join(import.meta.dirname, '../../../services/orchestrator/src/main.ts');
/** Definitions are read and checked at the start: a hundred thousand steps take their time. */
const startTimeoutMs = 120_000;
const stopTimeoutMs = 10_000;
const outputCharactersMax = 20_000;

export interface Call {
  readonly path: string;
  readonly tenant: string;
  readonly body: unknown;
}

export interface OrchestratorOptions {
  readonly config: string;
  readonly port: number;
  readonly token: string;
  readonly meter: Meter;
  readonly profiles: string | undefined;
}

/** One orchestrator as a process, from its source. */
export class Orchestrator {
  readonly url: string;
  readonly #options: OrchestratorOptions;
  readonly #sender = new HttpSender();
  #output = '';
  #process: ChildProcess | undefined;

  constructor(options: OrchestratorOptions) {
    this.#options = options;
    this.url = `http://127.0.0.1:${options.port}`;
  }

  async start(): Promise<void> {
    const { config, meter, profiles } = this.#options;
    const profile = profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profiles}`];
    const words = ['--disable-warning=ExperimentalWarning', ...profile, main, '--config', config];
    const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#process = child;
    if (child.pid !== undefined) meter.watch(child.pid, 'server');
    for (const stream of [child.stdout, child.stderr]) {
      stream.on(
        'data',
        (chunk: Buffer) => (this.#output = `${this.#output}${chunk.toString()}`.slice(-outputCharactersMax)),
      );
    }
    const what = 'the orchestrator being ready';
    await waitUntil(() => child.exitCode !== null || this.#isReady(), startTimeoutMs, what).catch((error: unknown) => {
      throw new Error(`the orchestrator did not start: ${this.#output}`, { cause: error });
    });
    if (child.exitCode !== null) throw new Error(`the orchestrator exited with ${child.exitCode}: ${this.#output}`);
  }

  /** The last that it wrote. */
  get output(): string {
    return this.#output;
  }

  async post(call: Call): Promise<unknown> {
    const headers = { authorization: `Bearer ${this.#options.token}`, 'x-orrery-tenant': call.tenant };
    return JSON.parse(await this.#sender.post(this.url + call.path, call.body, headers)) as unknown;
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    this.#sender.close();
    if (child === undefined) return;
    if (child.pid !== undefined) this.#options.meter.release(child.pid);
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
    await exited;
    clearTimeout(timer);
  }

  async #isReady(): Promise<boolean> {
    return fetch(`${this.url}/readyz`).then(
      (answer) => answer.ok,
      () => false,
    );
  }
}
