import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import { eventually } from './eventually.ts';

export interface RedisServerOptions {
  /** Whether writes survive `kill` and `restart`. Default false. `always` waits for the disk at each write. */
  readonly appendonly?: boolean | 'always';
  /** Where the files are kept. Default: a temporary folder that `stop` removes. */
  readonly folder?: string;
  /** Default: a free one. */
  readonly port?: number;
  /** For example `100mb`. Default: no limit. */
  readonly maxmemory?: string;
  /** Default `noeviction`. */
  readonly policy?: string;
  /** Default: a random one. */
  readonly password?: string;
}

export interface RedisServer {
  readonly url: string;
  readonly password: string;
  readonly port: number;
  /** Ends the server in order and removes the temporary folder. */
  stop(): Promise<void>;
  /** Ends the server by SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again after `kill`, at the same port with the same files. */
  restart(): Promise<void>;
}

const startTimeoutMs = 10_000;
const portTriesMax = 5;

/** A real redis-server on loopback. The password reaches it by its standard input, never by an argument. */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const folder = options.folder ?? mkdtempSync(path.join(os.tmpdir(), 'orrery-redis-'));
  const password = options.password ?? randomBytes(16).toString('hex');
  for (let attempt = 1; ; attempt += 1) {
    const port = options.port ?? (await findFreePort());
    try {
      const server = new RunningRedis({ options, folder, password, port });
      await server.start();
      return server;
    } catch (error) {
      // Somebody else may have taken the port between finding it free and using it.
      if (options.port !== undefined || attempt >= portTriesMax) throw error;
    }
  }
}

interface Settings {
  readonly options: RedisServerOptions;
  readonly folder: string;
  readonly password: string;
  readonly port: number;
}

class RunningRedis implements RedisServer {
  readonly url: string;
  readonly password: string;
  readonly port: number;
  readonly #settings: Settings;
  #process: ChildProcess | undefined;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.port = settings.port;
    this.password = settings.password;
    this.url = `redis://127.0.0.1:${settings.port}`;
  }

  async start(): Promise<void> {
    const child = spawn(findServer(), ['-'], { stdio: ['pipe', 'ignore', 'inherit'] });
    this.#process = child;
    child.stdin.end(configuration(this.#settings));
    const client = new Redis(this.url, { password: this.password, lazyConnect: true, retryStrategy: () => 20 });
    client.on('error', () => undefined);
    try {
      await eventually(
        async () => {
          if (child.exitCode !== null) return 'exited';
          await client.ping();
          return 'up';
        },
        { timeoutMs: startTimeoutMs, what: 'redis-server answering' },
      );
      if (child.exitCode !== null) throw new Error(`redis-server exited with ${child.exitCode} at port ${this.port}`);
    } finally {
      client.disconnect();
    }
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM');
    if (this.#settings.options.folder === undefined) rmSync(this.#settings.folder, { recursive: true, force: true });
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async restart(): Promise<void> {
    await this.#end('SIGKILL');
    await this.start();
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

function configuration({ options, folder, password, port }: Settings): string {
  const { appendonly = false, maxmemory, policy = 'noeviction' } = options;
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${folder}`,
    `requirepass ${password}`,
    'save ""',
    `appendonly ${appendonly === false ? 'no' : 'yes'}`,
    `appendfsync ${appendonly === 'always' ? 'always' : 'everysec'}`,
    `maxmemory-policy ${policy}`,
    ...(maxmemory === undefined ? [] : [`maxmemory ${maxmemory}`]),
  ];
  return `${lines.join('\n')}\n`;
}

/** The one on PATH, or the one that the setup has put under `.orrery/redis`. */
function findServer(): string {
  const found = [
    ...(process.env['PATH'] ?? '').split(path.delimiter).map((folder) => path.join(folder, 'redis-server')),
    path.join(import.meta.dirname, '../../.orrery/redis/bin/redis-server'),
  ].find((file) => existsSync(file));
  if (found === undefined) throw new Error('there is no redis-server: install redis-tools, or run the setup once');
  return found;
}

async function findFreePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('the system gave no port');
  return address.port;
}
