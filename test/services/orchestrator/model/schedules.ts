import { Redis } from 'ioredis';
import { loadLibrary, type FunctionLibrary } from '@orrery/kit/redis-functions';
import { startRedis } from '#test/support/redis.ts';
import { libraryWith } from './bounded-library.ts';
import { runSchedule } from './schedule.ts';

/** How much work a call does, by turns: as it is, little, and almost none, so that calls leave much behind. */
const workBounds = [undefined, 8, 3];
const restartEvery = 50;
const atOnce = 8;
const batch = 64;

export interface Plan {
  readonly seeds: readonly number[];
  readonly onProgress?: (done: number) => void;
}

/** Runs schedules, several at once in one Redis; those that restart Redis have one of their own. Throws the first failure. */
export async function runSchedules({ seeds, onProgress }: Plan): Promise<void> {
  const shared = seeds.filter((seed) => seed % restartEvery !== 0);
  let done = 0;
  const note = () => onProgress?.((done += 1));
  await withRedis(false, async ({ redis }) => {
    for (let first = 0; first < shared.length; first += batch) {
      const open = shared.slice(first, first + batch).values();
      const lane = async () => {
        for (const seed of open) {
          await runSchedule({ redis, library: libraryOf(seed), seed });
          note();
        }
      };
      await Promise.all(Array.from({ length: atOnce }, lane));
      await redis.flushall();
    }
  });
  await withRedis(true, async ({ redis, restart }) => {
    for (const seed of seeds.filter((each) => each % restartEvery === 0)) {
      await runSchedule({ redis, library: libraryOf(seed), seed, restart });
      await redis.flushall();
      note();
    }
  });
}

const libraries = new Map<number, FunctionLibrary>();

function libraryOf(seed: number): FunctionLibrary {
  const place = seed % workBounds.length;
  const library = libraries.get(place) ?? libraryWith(workBounds[place]);
  libraries.set(place, library);
  return library;
}

interface Lent {
  readonly redis: Redis;
  readonly restart: () => Promise<void>;
}

/** A durable one writes once a second: killed, it may lack what it answered last. */
async function withRedis(isDurable: boolean, act: (lent: Lent) => Promise<void>): Promise<void> {
  const server = await startRedis({ appendonly: isDurable });
  const redis = new Redis(server.url, { password: server.password, retryStrategy: () => 5 });
  redis.on('error', () => undefined);
  try {
    for (const bound of workBounds) await loadLibrary(redis, libraryWith(bound));
    await act({ redis, restart: () => server.restart() });
  } finally {
    redis.disconnect();
    await server.stop();
  }
}
