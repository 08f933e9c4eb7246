import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export interface IngestOptions {
  readonly clickhouseUrl: string;
  readonly token: string;
  /** Holds `pipelines/*.yaml`. */
  readonly definitionsFolder: string;
  readonly datasets: Readonly<Record<string, string>>;
  readonly settings?: Readonly<Record<string, number>>;
  /** Who asks; default main. */
  readonly tenant?: string;
}

export interface Job {
  readonly id: string;
  readonly state: 'running' | 'succeeded' | 'failed';
  readonly location: string;
  readonly progress?: { readonly done: number; readonly total: number; readonly unit: string };
  readonly result?: unknown;
  readonly error?: {
    readonly code: string;
    readonly message: string;
    readonly hint: string;
    readonly retryable: boolean;
  };
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

const startTimeoutMs = 20_000;
const pollMs = 25;
const main = path.join(import.meta.dirname, '../../services/ingest/src/main.ts');

/** The ingest service from its source, as a process of its own on loopback. */
export class Ingest {
  readonly #options: IngestOptions;
  readonly #folder = mkdtempSync(path.join(os.tmpdir(), 'orrery-ingest-'));
  #process: ChildProcess | undefined;
  #port = 0;
  #log = '';

  constructor(options: IngestOptions) {
    this.#options = options;
    writeFileSync(path.join(this.#folder, 'token'), `${options.token}\n`, { mode: 0o600 });
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** Everything that the process wrote since it started. */
  get log(): string {
    return this.#log;
  }

  /** Starts the process. Rejects with what it wrote when it ends instead of listening. */
  async start(): Promise<void> {
    const { clickhouseUrl, definitionsFolder, datasets, settings = {} } = this.#options;
    const digest = `sha256:${'0'.repeat(64)}`;
    const config = {
      ...{ service: 'ingest', environment: 'test', release: digest, version: { own: digest, closure: digest } },
      ...{ host: '127.0.0.1', port: 0, tokenFile: path.join(this.#folder, 'token'), drainMs: 100 },
      ...{ clickhouse: { url: clickhouseUrl }, definitionsFolder, datasets, settings },
    };
    writeFileSync(path.join(this.#folder, 'config.json'), JSON.stringify(config));
    const child = spawn(process.execPath, [main, '--config', path.join(this.#folder, 'config.json')], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process = child;
    this.#log = '';
    this.#port = await this.#listening(child);
  }

  /** Ends the process by SIGKILL. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Ends the process by SIGTERM and removes what is temporary. */
  async stop(): Promise<number | null> {
    const code = await this.#end('SIGTERM');
    rmSync(this.#folder, { recursive: true, force: true });
    return code;
  }

  /** Resolves when the process has ended, whoever ended it. */
  async ended(): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    await once(child, 'exit');
  }

  async call(
    method: 'GET' | 'POST',
    route: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const response = await fetch(`http://127.0.0.1:${this.#port}${route}`, {
      method,
      headers: {
        authorization: `Bearer ${this.#options.token}`,
        'content-type': 'application/json',
        'x-orrery-tenant': this.#options.tenant ?? 'main',
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  }

  /** What an open route answers, as text. */
  async text(route: string): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.#port}${route}`)).text();
  }

  /** Posts a run and polls it to its end. */
  async run(pipeline: string, body: unknown = {}): Promise<Job> {
    const started = await this.call('POST', `/v1/pipelines/${pipeline}/runs`, body);
    if (started.status !== 202) throw new Error(`the run was refused: ${JSON.stringify(started.body)}`);
    let job = started.body as Job;
    while (job.state === 'running') {
      await new Promise((resolve) => setTimeout(resolve, pollMs));
      job = (await this.call('GET', job.location)).body as Job;
    }
    return job;
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined) return null;
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
    return child.exitCode;
  }

  async #listening(child: ChildProcess): Promise<number> {
    return new Promise((resolve, reject) => {
      const fail = (what: string) => reject(new Error(`ingest ${what}: ${this.#log}`));
      const timer = setTimeout(() => fail(`did not listen within ${startTimeoutMs} ms`), startTimeoutMs);
      child.once('exit', (code, signal) => {
        clearTimeout(timer);
        fail(`exited with ${code ?? signal ?? 'nothing'}`);
      });
      const read = (chunk: Buffer) => {
        if (this.#log.length < 1_000_000) this.#log += chunk.toString();
        const port = /Server listening at http:\/\/127\.0\.0\.1:(\d+)/.exec(this.#log)?.[1];
        if (port === undefined) return;
        clearTimeout(timer);
        resolve(Number(port));
      };
      child.stdout?.on('data', read);
      child.stderr?.on('data', read);
    });
  }
}
