import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import { findFreePort } from '../orchestrator/redis-server.ts';
import { Member } from './member.ts';
import { workflowFiles } from './work-mix.ts';

const root = path.join(import.meta.dirname, '../..');
const host = '127.0.0.1';
const quiet = '--disable-warning=ExperimentalWarning';
/** So short that purges are a part of the soak. */
const settings = { leaseMs: 3000, endedRunsKeptMs: 30_000, idempotencyKeptMs: 30_000, lapsesMax: 100 };

/** Redis, two orchestrators and two workers, each a process of its own. The first of each kind is never killed. */
export class Tree {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'orrery-soak-'));
  readonly client: Redis;
  readonly redis: Member;
  readonly orchestrators: readonly Member[];
  readonly workers: readonly Member[];
  readonly #token: string;
  readonly #urls: readonly string[];

  private constructor(ports: { readonly redis: number; readonly orchestrators: readonly number[] }) {
    this.#token = randomBytes(16).toString('hex');
    this.#urls = ports.orchestrators.map((port) => `http://${host}:${port}`);
    this.client = new Redis(ports.redis, host, { password: this.#token, lazyConnect: true, retryStrategy: () => 50 });
    this.client.on('error', () => undefined);
    this.redis = this.#redis(ports.redis);
    this.#define();
    this.orchestrators = ports.orchestrators.map((port, place) => this.#orchestrator(port, ports.redis, place));
    this.workers = this.#urls.map((url, place) => this.#worker(url, place));
  }

  static async open(): Promise<Tree> {
    const redis = await findFreePort();
    return new Tree({ redis, orchestrators: [await findFreePort(), await findFreePort()] });
  }

  get members(): readonly Member[] {
    return [this.redis, ...this.orchestrators, ...this.workers];
  }

  async start(): Promise<void> {
    for (const member of this.members) await member.start();
  }

  async stop(): Promise<void> {
    this.client.disconnect();
    for (const member of [...this.members].reverse()) await member.end('SIGTERM');
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Asks for a run, under a key that makes asking again safe, until an orchestrator has taken it in. */
  async submit(workflow: string, key: string, text: string): Promise<'taken' | 'refused' | 'away'> {
    for (const url of this.#urls) {
      const headers = { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json' };
      const answer = await fetch(`${url}/v1/workflows/${workflow}/runs`, {
        ...{ method: 'POST', headers: { ...headers, 'idempotency-key': key } },
        body: JSON.stringify({ parameters: { text } }),
        signal: AbortSignal.timeout(5000),
      }).catch(() => undefined);
      if (answer?.ok === true) return 'taken';
      if (answer?.status === 429) return 'refused';
    }
    return 'away';
  }

  /** The 99th percentile of the delays of an orchestrator's event loop since the last look, and its heap's old space. */
  async measure(place: number): Promise<{ loopDelayMs: number; oldSpaceMiB: number }> {
    const answer = await fetch(`${this.#urls[place] ?? ''}/metrics`, { signal: AbortSignal.timeout(5000) }).catch(
      () => undefined,
    );
    const text = (await answer?.text()) ?? '';
    const old = /^nodejs_heap_space_size_used_bytes\{space="old"\S* (\S+)$/m.exec(text)?.[1];
    const lag = /^nodejs_eventloop_lag_p99_seconds\S* (\S+)$/m.exec(text)?.[1];
    return { loopDelayMs: Number(lag ?? 'NaN') * 1000, oldSpaceMiB: Number(old ?? 'NaN') / 1024 / 1024 };
  }

  #redis(port: number): Member {
    const lines = [
      ...[`port ${port}`, `bind ${host}`, `dir ${this.folder}`, `requirepass ${this.#token}`, 'save ""'],
      ...['appendonly yes', 'appendfsync everysec', 'maxmemory-policy noeviction'],
    ];
    return new Member({
      ...{ name: 'redis', command: findRedis(), args: ['-'], input: `${lines.join('\n')}\n` },
      isReady: () =>
        this.client.ping().then(
          () => true,
          () => false,
        ),
    });
  }

  #define(): void {
    mkdirSync(path.join(this.folder, 'definitions/workflows'), { recursive: true });
    writeFileSync(path.join(this.folder, 'token'), this.#token, { mode: 0o600 });
    for (const { name, text } of workflowFiles()) {
      writeFileSync(path.join(this.folder, 'definitions/workflows', name), text);
    }
  }

  #orchestrator(port: number, redis: number, place: number): Member {
    const digest = `sha256:${'0'.repeat(64)}`;
    const file = path.join(this.folder, `config-${place}.json`);
    const config = {
      ...{ service: 'orchestrator', environment: 'soak', release: digest, version: { own: digest, closure: digest } },
      ...{ port, tokenFile: path.join(this.folder, 'token'), definitionsFolder: path.join(this.folder, 'definitions') },
      ...{ dataFolder: path.join(this.folder, 'data'), store: { folder: path.join(this.folder, 'store') } },
      redis: { state: `redis://${host}:${redis}` },
      // Nothing listens at port 9: the history is away for the whole soak.
      clickhouse: { url: `http://${host}:9` },
      bus: { driver: 'redis' },
      ...{ peers: {}, programs: {}, drainMs: 1500, settings },
    };
    writeFileSync(file, JSON.stringify(config));
    const main = path.join(root, 'services/orchestrator/src/main.ts');
    return new Member({
      ...{ name: `orchestrator-${place + 1}`, command: process.execPath, args: [quiet, main, '--config', file] },
      isReady: () =>
        fetch(`http://${host}:${port}/readyz`).then(
          ({ ok }) => ok,
          () => false,
        ),
    });
  }

  #worker(url: string, place: number): Member {
    const program = path.join(import.meta.dirname, 'soak-worker.ts');
    const order = JSON.stringify({ url, token: this.#token });
    return new Member({
      ...{ name: `worker-${place + 1}`, command: process.execPath, args: [quiet, program, order] },
      isReady: (output) => output.includes('ready'),
    });
  }
}

/** The one on PATH, or the one that the setup has put under `.orrery/redis`. */
function findRedis(): string {
  const folders = [...(process.env['PATH'] ?? '').split(path.delimiter), path.join(root, '.orrery/redis/bin')];
  const found = folders.map((folder) => path.join(folder, 'redis-server')).find((file) => existsSync(file));
  if (found === undefined) throw new Error('there is no redis-server: install it, or run `npm start` once');
  return found;
}
