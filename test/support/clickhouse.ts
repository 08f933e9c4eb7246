import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {
  ClickHouseLogLevel,
  createClient,
  type ClickHouseClient,
  type ClickHouseClientConfigOptions,
} from '@clickhouse/client';

export interface ClickHouseOptions {
  /** Where the tables are kept. Default: a temporary folder that `stop` removes. */
  readonly dataFolder?: string;
  /** The service's own settings, for example `{ sessions: 2 }`. */
  readonly settings?: Readonly<Record<string, number>>;
  /** Default 10,000. */
  readonly drainMs?: number;
}

export interface ClickHouse {
  readonly url: string;
  readonly token: string;
  readonly dataFolder: string;
  readonly pid: number;
  /** A client of the database `orrery`; `stop` closes it. */
  client(options?: ClickHouseClientConfigOptions): ClickHouseClient;
  /** Ends the server by SIGTERM, removes what is temporary, and gives its exit code. */
  stop(): Promise<number | null>;
  /** Ends the server by SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again after `kill`, at the same port with the same tables. */
  restart(): Promise<void>;
}

const startTimeoutMs = 60_000;
const main = path.join(import.meta.dirname, '../../services/clickhouse/src/main.ts');

/** The service from its source, as a process of its own on loopback. Rejects with what it wrote when it does not come up. */
export async function startClickHouse(options: ClickHouseOptions = {}): Promise<ClickHouse> {
  const server = new RunningClickHouse(options);
  try {
    await server.start();
    return server;
  } catch (error) {
    await server.stop();
    throw error;
  }
}

class RunningClickHouse implements ClickHouse {
  readonly token = randomBytes(16).toString('hex');
  readonly dataFolder: string;
  readonly #options: ClickHouseOptions;
  readonly #folder = mkdtempSync(path.join(os.tmpdir(), 'orrery-clickhouse-'));
  readonly #clients: ClickHouseClient[] = [];
  #process: ChildProcess | undefined;
  #port = 0;

  constructor(options: ClickHouseOptions) {
    this.#options = options;
    this.dataFolder = options.dataFolder ?? path.join(this.#folder, 'data');
    writeFileSync(path.join(this.#folder, 'token'), `${this.token}\n`, { mode: 0o600 });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  async start(): Promise<void> {
    const config = path.join(this.#folder, 'config.json');
    const { settings = {}, drainMs = 10_000 } = this.#options;
    const digest = `sha256:${'0'.repeat(64)}`;
    const identity = {
      service: 'clickhouse',
      environment: 'test',
      release: digest,
      version: { own: digest, closure: digest },
    };
    const places = {
      host: '127.0.0.1',
      port: this.#port,
      tokenFile: path.join(this.#folder, 'token'),
      dataFolder: this.dataFolder,
    };
    writeFileSync(config, JSON.stringify({ ...identity, ...places, drainMs, logLevel: 'info', settings }));
    const child = spawn(process.execPath, [main, '--config', config], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#process = child;
    this.#port = await portOf(child);
  }

  client(options: ClickHouseClientConfigOptions = {}): ClickHouseClient {
    const log = { level: ClickHouseLogLevel.OFF };
    const client = createClient({ url: this.url, password: this.token, database: 'orrery', log, ...options });
    this.#clients.push(client);
    return client;
  }

  async stop(): Promise<number | null> {
    const exitCode = await this.#end('SIGTERM');
    await Promise.all(this.#clients.splice(0).map((client) => client.close()));
    rmSync(this.#folder, { recursive: true, force: true });
    return exitCode;
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async restart(): Promise<void> {
    await this.#end('SIGKILL');
    await this.start();
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

/** Reads the port from the log line that says `listening`: the system chose it, so no other process can have taken it. */
async function portOf(child: ChildProcess): Promise<number> {
  const written = { out: '', error: '' };
  child.stderr?.on('data', (chunk: Buffer) => (written.error += chunk.toString()));
  return new Promise((resolve, reject) => {
    const fail = (what: string) => reject(new Error(`ClickHouse ${what}: ${written.error}${written.out}`));
    const timer = setTimeout(() => fail(`did not listen within ${startTimeoutMs} ms`), startTimeoutMs);
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      fail(`exited with ${code ?? signal ?? 'nothing'}`);
    });
    child.stdout?.on('data', (chunk: Buffer) => {
      if (written.out.length < 100_000) written.out += chunk.toString();
      const port = /"address":\{[^}]*"port":(\d+)/.exec(written.out)?.[1];
      if (port === undefined) return;
      clearTimeout(timer);
      resolve(Number(port));
    });
  });
}
