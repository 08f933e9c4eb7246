import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { JobView } from '#services/kit/src/jobs.ts';
import { eventually } from '#test/support/eventually.ts';

export interface FeaturesOptions {
  readonly clickhouse: { readonly url: string; readonly token: string };
  /** Definitions by file name; default: those of the repository. */
  readonly definitions?: Readonly<Record<string, string>>;
  readonly settings?: Readonly<Record<string, number>>;
}

export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** A job as it comes over HTTP. */
export type Job = Pick<JobView, keyof JobView>;

const startTimeoutMs = 20_000;
const jobTimeoutMs = 60_000;
const repository = path.join(import.meta.dirname, '../../..');
const main = path.join(repository, 'services/features/src/main.ts');

/** The service from its source as a process of its own, with a store of its own. */
export class RunningFeatures {
  readonly storeFolder: string;
  readonly #options: FeaturesOptions;
  readonly #folder = mkdtempSync(path.join(os.tmpdir(), 'orrery-features-'));
  #process: ChildProcess | undefined;
  #url = '';

  constructor(options: FeaturesOptions) {
    this.#options = options;
    this.storeFolder = path.join(this.#folder, 'store');
    mkdirSync(path.join(this.#folder, 'definitions/features'), { recursive: true });
    writeFileSync(path.join(this.#folder, 'token'), options.clickhouse.token, { mode: 0o600 });
    for (const [file, text] of Object.entries(options.definitions ?? {})) {
      writeFileSync(path.join(this.#folder, 'definitions/features', file), text);
    }
  }

  /** Rejects with what the process wrote when it doesn't come up. */
  async start(): Promise<void> {
    const { clickhouse, definitions, settings = {} } = this.#options;
    const digest = `sha256:${'0'.repeat(64)}`;
    const config = path.join(this.#folder, 'config.json');
    writeFileSync(
      config,
      JSON.stringify({
        ...{ service: 'features', environment: 'test', release: digest, version: { own: digest, closure: digest } },
        port: 0,
        tokenFile: path.join(this.#folder, 'token'),
        definitionsFolder: path.join(definitions === undefined ? repository : this.#folder, 'definitions'),
        clickhouse: { url: clickhouse.url, database: 'orrery' },
        store: { folder: this.storeFolder },
        drainMs: 100,
        settings,
      }),
    );
    const child = spawn(process.execPath, [main, '--config', config], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#process = child;
    this.#url = await listeningUrl(child);
  }

  async call(
    method: 'GET' | 'POST',
    route: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const response = await fetch(new URL(route, this.#url), {
      method,
      headers: {
        authorization: `Bearer ${this.#options.clickhouse.token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Answer['body'] };
  }

  async text(route: string): Promise<string> {
    return (await fetch(new URL(route, this.#url))).text();
  }

  /** Posts a job and waits for its end. */
  async job(route: string, from: string, to: string): Promise<Job> {
    const started = await this.call('POST', `/v1/feature-sets/${route}`, { from, to });
    assert.equal(started.status, 202, JSON.stringify(started.body));
    const { location } = started.body as Job;
    return eventually(
      async () => {
        const job = (await this.call('GET', location)).body as Job;
        return job.state === 'running' ? undefined : job;
      },
      { timeoutMs: jobTimeoutMs, what: `the end of ${location}` },
    );
  }

  /** The result of a job that must succeed. */
  async result(route: string, from: string, to: string): Promise<Readonly<Record<string, unknown>>> {
    const job = await this.job(route, from, to);
    assert.equal(job.state, 'succeeded', JSON.stringify(job.error));
    return job.result as Readonly<Record<string, unknown>>;
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }
}

async function listeningUrl(child: ChildProcess): Promise<string> {
  let written = '';
  const collect = (chunk: Buffer) => (written = `${written}${chunk.toString()}`.slice(-20_000));
  child.stdout?.on('data', collect);
  child.stderr?.on('data', collect);
  return eventually(
    () => {
      if (child.exitCode !== null) return `exited: ${written}`;
      return /Server listening at (http:\/\/[\d.:]+)/.exec(written)?.[1];
    },
    { timeoutMs: startTimeoutMs, what: 'features listening' },
  ).then((url) => {
    if (url.startsWith('exited')) throw new Error(url);
    return url;
  });
}
