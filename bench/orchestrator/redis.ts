import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { startRedisServer, type RedisServer } from './redis-server.ts';

export type Fsync = 'everysec' | 'always';

/** What Redis says about its calls since it was last asked to forget. */
export interface Calls {
  /** The longest by SLOWLOG, in ms; 0 when none was above `noticedUs`. */
  readonly longestMs: number;
  readonly longestName: string;
  /** How many took longer than `slowUs`. */
  readonly slow: number;
  /** The upper bound of the highest bucket by LATENCY HISTOGRAM, which also sees what SLOWLOG leaves out (EXEC), in ms. */
  readonly boundMs: number;
  readonly boundName: string;
  /** How often the system took the processor away from Redis: each can make a call look long. */
  readonly preempted: number;
  /** name -> calls and mean time, the dearest first. */
  readonly commands: readonly { readonly name: string; readonly calls: number; readonly meanUs: number }[];
}

export const slowUs = 5000;
/** SLOWLOG also keeps what is well below the bound, so that the longest call has a figure. */
const noticedUs = 500;
const slowlogEntriesMax = 100_000;
const commandsShown = 5;

export interface MeasuredRedis {
  readonly server: RedisServer;
  readonly pid: number;
  readonly version: string;
  readonly client: Redis;
  forgetCalls(): Promise<void>;
  calls(): Promise<Calls>;
  stop(): Promise<void>;
}

export async function startMeasuredRedis(fsync: Fsync): Promise<MeasuredRedis> {
  const server = await startRedisServer(fsync);
  const client = new Redis(server.url, { password: server.password });
  const about = await client.info('server');
  const field = (name: string) => new RegExp(`^${name}:(\\S+)`, 'm').exec(about)?.[1] ?? '';
  const pid = Number(field('process_id'));
  await client.config('SET', 'slowlog-log-slower-than', noticedUs);
  await client.config('SET', 'slowlog-max-len', slowlogEntriesMax);
  let preempted = readPreempted(pid);
  return {
    ...{ server, pid, client },
    version: field('redis_version'),
    async forgetCalls() {
      await client.slowlog('RESET');
      await client.config('RESETSTAT');
      preempted = readPreempted(pid);
    },
    async calls() {
      const stats = await client.info('commandstats');
      const histogram = parseHistogram(await client.call('LATENCY', 'HISTOGRAM'));
      const slowlog = parseSlowlog(await client.slowlog('GET', slowlogEntriesMax));
      return {
        ...{ ...slowlog, ...histogram },
        preempted: readPreempted(pid) - preempted,
        commands: parseCommandStats(stats).slice(0, commandsShown),
      };
    },
    async stop() {
      client.disconnect();
      await server.stop();
    },
  };
}

/** Entries of SLOWLOG GET: id, time, microseconds, arguments, … */
export function parseSlowlog(answer: unknown): Pick<Calls, 'longestMs' | 'longestName' | 'slow'> {
  let longestUs = 0;
  let longestName = '';
  let slow = 0;
  for (const entry of Array.isArray(answer) ? (answer as unknown[]) : []) {
    const [, , us, words] = entry as [number, number, number, string[]];
    // The benchmark's own questions are no work of the engine's.
    if (/^(slowlog|config|info|latency|flushall)$/i.test(words[0] ?? '')) continue;
    if (us > slowUs) slow += 1;
    if (us <= longestUs) continue;
    longestUs = us;
    longestName = nameCall(words);
  }
  return { longestMs: longestUs / 1000, longestName, slow };
}

/** A function is told by its name, a script by the beginning of its digest. */
function nameCall([command = '', first = '']: readonly string[]): string {
  const name = command.toLowerCase();
  // orrery_bus_<digest>_<verb>: the digest of the library says nothing here.
  if (name.startsWith('fcall')) return `${name} ${first.replace(/^orrery_(\w+)_[0-9a-f]{12}_/, '$1 ')}`;
  return name === 'evalsha' ? `${name} ${first.slice(0, 8)}` : name;
}

/** Answer of LATENCY HISTOGRAM: name, [calls, n, histogram_usec, [bound, count, …]], … */
export function parseHistogram(answer: unknown): Pick<Calls, 'boundMs' | 'boundName'> {
  const flat = Array.isArray(answer) ? (answer as unknown[]) : [];
  let boundUs = 0;
  let boundName = '';
  for (let place = 0; place + 1 < flat.length; place += 2) {
    const name = String(flat[place]);
    if (/^(slowlog|config|info|latency|flushall|ping)/i.test(name)) continue;
    const buckets = (flat[place + 1] as unknown[])[3] as number[];
    const bound = buckets.at(-2) ?? 0;
    if (bound > boundUs) [boundUs, boundName] = [bound, name];
  }
  return { boundMs: boundUs / 1000, boundName };
}

export function parseCommandStats(text: string): Calls['commands'] {
  return [...text.matchAll(/^cmdstat_(\S+?):calls=(\d+),usec=(\d+),/gm)]
    .map(([, name = '', calls = '', us = '']) => ({ name, calls: Number(calls), us: Number(us) }))
    .sort((left, right) => right.us - left.us)
    .map(({ name, calls, us }) => ({ name, calls, meanUs: us / calls }));
}

function readPreempted(pid: number): number {
  try {
    return Number(/nonvoluntary_ctxt_switches:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  } catch {
    // Only Linux counts them where anybody may look.
    return NaN;
  }
}
