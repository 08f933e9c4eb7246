import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRedis, type RedisServer, type RedisServerOptions } from '#test/support/redis.ts';

const main = join(import.meta.dirname, '../../../services/orchestrator/src/main.ts');
const startTimeoutMs = 20_000;

export interface StepView {
  readonly name: string;
  readonly state: string;
  readonly attempt: number;
  readonly startedAtMs: number | null;
  readonly endedAtMs: number | null;
  readonly progress?: Record<string, unknown>;
  readonly result?: unknown;
  readonly error?: { readonly code: string; readonly message: string; readonly hint: string };
}

export interface RunView {
  readonly run: string;
  readonly state: string;
  readonly definition: string;
  readonly tenant: string;
  readonly actor: string;
  readonly parameters: Record<string, unknown>;
  readonly sequence: number;
  readonly steps: readonly StepView[];
}

export interface Answer<T> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

export interface Call {
  readonly method?: string;
  readonly body?: unknown;
  readonly tenant?: string;
  readonly actor?: string;
  readonly key?: string;
}

type Handler = (
  request: { method: string; path: string; key: string; body: unknown },
  response: ServerResponse,
) => void;

export interface EnvironmentOptions {
  /** Redis's password and ClickHouse's key. */
  readonly token?: string;
  readonly redis?: RedisServerOptions;
  /** ClickHouse, with the environment's token; without it the history is not reached. */
  readonly clickhouse?: string;
  readonly settings?: Readonly<Record<string, unknown>>;
  /** name -> what it runs. */
  readonly programs?: Readonly<Record<string, { command: string[]; environment?: Record<string, string> }>>;
  /** file name -> YAML. */
  readonly workflows: Readonly<Record<string, string>>;
}

/** A Redis, a stand-in for a peer service, and as many orchestrators as a test starts, each a process of its own. */
export class Environment {
  readonly folder = mkdtempSync(join(tmpdir(), 'orrery-orchestrator-'));
  readonly token: string;
  redis!: RedisServer;
  /** What the peer answers; every request is also kept in `requests`. */
  handler: Handler = (_request, response) => response.end('{}');
  readonly requests: { method: string; path: string; key: string; body: unknown; tenant: string }[] = [];
  readonly #options: EnvironmentOptions;
  readonly #orchestrators = new Set<Orchestrator>();
  #peer: Server | undefined;
  #peerUrl = '';
  #configs = 0;

  constructor(options: EnvironmentOptions) {
    this.#options = options;
    this.token = options.token ?? 'a-token-for-tests-of-the-orchestrator';
  }

  async start(): Promise<void> {
    chmodSync(this.folder, 0o755);
    this.redis = await startRedis({ password: this.token, ...this.#options.redis });
    writeFileSync(join(this.folder, 'token'), this.token, { mode: 0o600 });
    mkdirSync(join(this.folder, 'definitions/workflows'), { recursive: true });
    for (const [file, text] of Object.entries(this.#options.workflows)) this.define(file, text);
    this.#peer = createServer((request, response) => void this.#answer(request, response)).listen(0, '127.0.0.1');
    await once(this.#peer, 'listening');
    const address = this.#peer.address();
    this.#peerUrl = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  }

  define(file: string, text: string): void {
    writeFileSync(join(this.folder, 'definitions/workflows', file), text);
  }

  async orchestrator(more: Readonly<Record<string, unknown>> = {}): Promise<Orchestrator> {
    const orchestrator = new Orchestrator(this.#writeConfig(more), this.token);
    this.#orchestrators.add(orchestrator);
    await orchestrator.start();
    return orchestrator;
  }

  async stop(): Promise<void> {
    for (const orchestrator of this.#orchestrators) await orchestrator.kill();
    this.#peer?.closeAllConnections();
    this.#peer?.close();
    await this.redis.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #writeConfig(more: Readonly<Record<string, unknown>>): string {
    const { settings = {}, programs = {}, clickhouse } = this.#options;
    const digest = `sha256:${'0'.repeat(64)}`;
    const config = {
      service: 'orchestrator',
      environment: 'test',
      release: digest,
      version: { own: digest, closure: digest },
      port: 0,
      tokenFile: join(this.folder, 'token'),
      definitionsFolder: join(this.folder, 'definitions'),
      dataFolder: join(this.folder, 'data'),
      redis: { state: this.redis.url },
      // Nothing listens at port 9: the history is away.
      clickhouse: { url: clickhouse ?? 'http://127.0.0.1:9' },
      store: { folder: join(this.folder, 'store') },
      bus: { driver: 'redis' },
      peers: { peer: this.#peerUrl },
      programs: Object.fromEntries(
        Object.entries(programs).map(([name, program]) => [
          name,
          { folder: this.folder, bundle: digest, environment: {}, ...program },
        ]),
      ),
      drainMs: 1500,
      settings: { leaseMs: 1000, processLeaseMs: 1500, peerPatienceMs: 5000, ...settings },
      ...more,
    };
    this.#configs += 1;
    const file = join(this.folder, `config-${this.#configs}.json`);
    writeFileSync(file, JSON.stringify(config));
    return file;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const asked = {
      method: request.method ?? '',
      path: request.url ?? '',
      key: String(request.headers['idempotency-key'] ?? ''),
      body: text === '' ? undefined : (JSON.parse(text) as unknown),
      tenant: String(request.headers['x-orrery-tenant'] ?? ''),
    };
    this.requests.push(asked);
    response.setHeader('content-type', 'application/json');
    this.handler(asked, response);
  }
}

/** One orchestrator as a process, from its source. */
export class Orchestrator {
  output = '';
  readonly #config: string;
  readonly #token: string;
  #process: ChildProcess | undefined;
  #url = '';

  constructor(config: string, token: string) {
    this.#config = config;
    this.#token = token;
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  async start(): Promise<void> {
    const child = spawn(process.execPath, [main, '--config', this.#config], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#process = child;
    this.output = '';
    const port = await new Promise<number>((resolve, reject) => {
      const fail = (what: string) => reject(new Error(`the orchestrator ${what}: ${this.output}`));
      const timer = setTimeout(() => fail('did not listen'), startTimeoutMs);
      const read = (chunk: Buffer) => {
        if (this.output.length < 1_000_000) this.output += chunk.toString();
        const found = /Server listening at http:\/\/127\.0\.0\.1:(\d+)/.exec(this.output)?.[1];
        if (found === undefined) return;
        clearTimeout(timer);
        resolve(Number(found));
      };
      child.stdout.on('data', read);
      child.stderr.on('data', read);
      child.once('exit', (code) => {
        clearTimeout(timer);
        fail(`exited with ${code ?? 'a signal'}`);
      });
    });
    this.#url = `http://127.0.0.1:${port}`;
  }

  async call<T>(path: string, call: Call = {}): Promise<Answer<T>> {
    const response = await fetch(this.#url + path, {
      method: call.method ?? (call.body === undefined ? 'GET' : 'POST'),
      headers: {
        authorization: `Bearer ${this.#token}`,
        ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(call.tenant === undefined ? {} : { 'x-orrery-tenant': call.tenant }),
        ...(call.actor === undefined ? {} : { 'x-orrery-actor': call.actor }),
        ...(call.key === undefined ? {} : { 'idempotency-key': call.key }),
      },
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: JSON.parse(text) as T };
  }

  /** Starts a run and returns its name. */
  async run(workflow: string, parameters: Record<string, unknown> = {}, call: Call = {}): Promise<string> {
    const answer = await this.call<{ run: string }>(`/v1/workflows/${workflow}/runs`, {
      body: { parameters },
      ...call,
    });
    if (answer.status !== 201) throw new Error(`${answer.status}: ${JSON.stringify(answer.body)}`);
    return answer.body.run;
  }

  async show(run: string, call: Call = {}): Promise<RunView> {
    return (await this.call<RunView>(`/v1/runs/${run}`, call)).body;
  }

  async stop(): Promise<number | null> {
    return this.#end('SIGTERM');
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
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
}
