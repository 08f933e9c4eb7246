import type { Redis } from 'ioredis';
import type { Tree } from './tree.ts';

/** What Redis holds of the state alone: the log on the bus grows until its retention, by right. */
export interface StateSize {
  readonly keys: number;
  /** Those that Redis forgets by itself: idempotency keys and the like. */
  readonly expiring: number;
  readonly bytes: number;
  readonly busBytes: number;
  /** Family of keys, as `run` or `st` -> how many. */
  readonly families: Readonly<Record<string, number>>;
}

export interface Sample extends Omit<StateSize, 'families'> {
  readonly atSeconds: number;
  readonly runs: number;
  readonly orchestratorMiB: readonly number[];
  readonly workerMiB: readonly number[];
  readonly loopDelayMs: number;
}

const scanCount = 500;

export async function readStateSize(client: Redis): Promise<StateSize> {
  const families: Record<string, number> = {};
  let [keys, expiring, busBytes] = [0, 0, 0];
  for await (const found of client.scanStream({ count: scanCount })) {
    for (const key of found as string[]) {
      if (key.startsWith('bus:')) {
        busBytes += (await client.memory('USAGE', key)) ?? 0;
        continue;
      }
      if ((await client.pttl(key)) > 0) {
        expiring += 1;
        continue;
      }
      keys += 1;
      const family = /\}:?([^:]*)/.exec(key)?.[1] ?? key;
      families[family] = (families[family] ?? 0) + 1;
    }
  }
  const info = await client.info('memory');
  const of = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? NaN);
  // Buffers of clients and of the append-only file come and go with the load.
  const bytes = of('used_memory') - of('mem_not_counted_for_evict') - of('mem_clients_normal') - busBytes;
  return { keys, expiring, bytes, busBytes, families };
}

export async function readSample(tree: Tree, atSeconds: number, runs: number): Promise<Sample> {
  const { families: _families, ...size } = await readStateSize(tree.client);
  const sizes = (members: Tree['members']) => Promise.all(members.map((member) => member.residentMiB()));
  const [orchestratorMiB, workerMiB, loopDelayMs] = await Promise.all([
    sizes(tree.orchestrators),
    sizes(tree.workers),
    tree.loopDelayMs(0),
  ]);
  return { atSeconds, runs, ...size, orchestratorMiB, workerMiB, loopDelayMs };
}

/** Every entry of the log that the bus has, as text. */
export async function readLog(client: Redis): Promise<string[]> {
  const texts: string[] = [];
  for (const stream of await client.keys('bus:{orrery.run-events:*}:events')) {
    for (let from = '-'; ;) {
      const entries = await client.xrange(stream, from, '+', 'COUNT', 500);
      texts.push(...entries.map(([, fields]) => fields[fields.indexOf('v') + 1] ?? ''));
      const last = entries.at(-1)?.[0];
      if (last === undefined) break;
      from = `(${last}`;
    }
  }
  return texts;
}
