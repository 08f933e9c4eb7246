import type { Redis } from 'ioredis';
import type { Tree } from './tree.ts';

/** What Redis holds of the state alone: the log on the bus grows until its retention, by right. */
export interface StateSize {
  readonly keys: number;
  /** Those that Redis forgets by itself: idempotency keys and the like. */
  readonly expiring: number;
  /** Of the keys of the state, as Redis estimates each. */
  readonly bytes: number;
  readonly busBytes: number;
  /** All that Redis uses. */
  readonly usedBytes: number;
  /** Family of keys, as `run` or `st` -> how many. */
  readonly families: Readonly<Record<string, number>>;
}

export interface Sample extends Omit<StateSize, 'families'> {
  readonly atSeconds: number;
  readonly runs: number;
  readonly orchestratorMiB: readonly number[];
  readonly workerMiB: readonly number[];
  readonly loopDelayMs: number;
  /** What the first orchestrator holds beyond its young objects (MiB): the floor of it shows a leak, its resident memory does not. */
  readonly oldSpaceMiB: number;
}

const scanCount = 500;

export async function readStateSize(client: Redis): Promise<StateSize> {
  const families: Record<string, number> = {};
  let [keys, expiring, bytes, busBytes] = [0, 0, 0, 0];
  for await (const found of client.scanStream({ count: scanCount })) {
    for (const key of found as string[]) {
      const size = (await client.memory('USAGE', key, 'SAMPLES', 0)) ?? 0;
      if (key.startsWith('bus:')) {
        busBytes += size;
        continue;
      }
      bytes += size;
      if ((await client.pttl(key)) > 0) {
        expiring += 1;
        continue;
      }
      keys += 1;
      const family = /\}:?([^:]*)/.exec(key)?.[1] ?? key;
      families[family] = (families[family] ?? 0) + 1;
    }
  }
  const usedBytes = Number(/^used_memory:(\d+)/m.exec(await client.info('memory'))?.[1] ?? NaN);
  return { keys, expiring, bytes, busBytes, usedBytes, families };
}

export async function readSample(tree: Tree, atSeconds: number, runs: number): Promise<Sample> {
  const { families: _families, ...size } = await readStateSize(tree.client);
  const sizes = (members: Tree['members']) => Promise.all(members.map((member) => member.residentMiB()));
  const [orchestratorMiB, workerMiB, measured] = await Promise.all([
    sizes(tree.orchestrators),
    sizes(tree.workers),
    tree.measure(0),
  ]);
  return { atSeconds, runs, ...size, orchestratorMiB, workerMiB, ...measured };
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
