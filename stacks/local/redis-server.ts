import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { systemClock } from '@orrery/kit/clock';
import { openRedis } from '@orrery/kit/redis';
import { startFailed, type Running } from './child.ts';
import type { LogFile } from './log-file.ts';
import { host } from './ports.ts';

export interface RedisServerOptions {
  readonly name: string;
  readonly binary: string;
  readonly port: number;
  readonly password: string;
  readonly folder: string;
  readonly memoryMiB: number;
  readonly log: LogFile;
}

const readyMs = 30_000;
const stopMs = 10_000;

const byKind = {
  /** State is never evicted and survives a death of the process; a loss of power may cost the last second. */
  state: { appendonly: 'yes', appendfsync: 'everysec', 'maxmemory-policy': 'noeviction' },
  /** The cache may lose anything that can be computed again. */
  cache: { appendonly: 'no', 'maxmemory-policy': 'volatile-lru' },
};

/** Starts a redis-server on loopback, configured through its standard input so that the password is in no file and no argument. */
export function runRedisServer(options: RedisServerOptions, kind: 'state' | 'cache'): Running {
  mkdirSync(options.folder, { recursive: true, mode: 0o700 });
  const child = spawn(options.binary, ['-'], {
    cwd: options.folder,
    env: { TZ: 'UTC' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  options.log.collect(child.stdout);
  options.log.collect(child.stderr);
  child.stdin.on('error', () => undefined);
  const lines = Object.entries(redisConfiguration(options, kind)).map(([name, value]) => `${name} ${value}\n`);
  child.stdin.end(`${lines.join('')}requirepass ${options.password}\n`);
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code ?? ''}`));
  });
  return {
    pid: child.pid ?? 0,
    ended,
    ready: Promise.race([answersPing(options), ended.then((how) => Promise.reject(startFailedBy(options, how)))]),
    stop: () => stopProcess(child, ended),
    tell: () => undefined,
  };
}

/** Everything that a server is told but its password. */
export function redisConfiguration(
  { port, folder, memoryMiB }: Pick<RedisServerOptions, 'port' | 'folder' | 'memoryMiB'>,
  kind: keyof typeof byKind,
): Record<string, string> {
  return {
    bind: host,
    port: String(port),
    dir: JSON.stringify(folder),
    maxmemory: `${memoryMiB}mb`,
    save: '""',
    daemonize: 'no',
    ...byKind[kind],
  };
}

async function answersPing(options: RedisServerOptions): Promise<void> {
  const redis = openRedis({ url: `redis://${host}:${options.port}`, password: options.password, name: 'supervisor' });
  redis.on('error', () => undefined);
  try {
    const deadline = systemClock.now() + readyMs;
    while (systemClock.now() < deadline) {
      const answer = await redis.ping().catch(() => undefined);
      if (answer === 'PONG') return;
      await systemClock.sleep(50);
    }
    throw startFailedBy(options, `no answer within ${readyMs / 1000} s`);
  } finally {
    redis.disconnect();
  }
}

function startFailedBy(options: RedisServerOptions, how: string): Error {
  return startFailed(options.name, `${how} ${options.log.lastLines(2)}`, options.log.path);
}

export async function stopProcess(child: ChildProcess, ended: Promise<string>, deadlineMs = stopMs): Promise<void> {
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), deadlineMs);
  await ended;
  clearTimeout(timer);
}
