import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import { waitUntil } from './measure.ts';

export interface RedisServer {
  readonly url: string;
  readonly password: string;
  stop(): Promise<void>;
}

const root = path.join(import.meta.dirname, '../..');
const startTimeoutMs = 10_000;

/** An empty redis-server on loopback, told of durability what state is told of it. Its password is in no argument. */
export async function startRedisServer(fsync: string): Promise<RedisServer> {
  const folder = mkdtempSync(path.join(tmpdir(), 'orrery-bench-'));
  const password = randomBytes(16).toString('hex');
  const port = await findFreePort();
  const child = spawn(findServer(), ['-'], { stdio: ['pipe', 'ignore', 'inherit'] });
  const lines = [
    ...[`port ${port}`, 'bind 127.0.0.1', `dir ${folder}`, `requirepass ${password}`, 'save ""'],
    ...['appendonly yes', `appendfsync ${fsync}`, 'maxmemory-policy noeviction'],
  ];
  child.stdin.end(`${lines.join('\n')}\n`);
  const url = `redis://127.0.0.1:${port}`;
  const client = new Redis(url, { password, retryStrategy: () => 20 });
  client.on('error', () => undefined);
  await waitUntil(() => client.status === 'ready' || child.exitCode !== null, startTimeoutMs, 'redis-server answering');
  client.disconnect();
  if (child.exitCode !== null) throw new Error(`redis-server exited with ${child.exitCode} at port ${port}`);
  return {
    url,
    password,
    async stop() {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The one on PATH, or the one that the setup has put under `.orrery/redis`. */
function findServer(): string {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter);
  const found = [...folders, path.join(root, '.orrery/redis/bin')]
    .map((folder) => path.join(folder, 'redis-server'))
    .find((file) => existsSync(file));
  if (found === undefined) throw new Error('there is no redis-server: install it, or run `npm start` once');
  return found;
}

export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('the system gave no port');
  return address.port;
}
