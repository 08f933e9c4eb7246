import type { Redis } from '@orrery/kit/redis';
import { redisFailed } from '../errors.ts';
import { keys, shardOfRun } from '../core/keys.ts';
import { depthMax, type Family } from './workflow.ts';

/** Reads where a run stands among those that started each other. Parent and child are of one tenant, so of one shard. */
export class FamilyReader {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  async family(run: string, ref: string): Promise<Family> {
    const shard = shardOfRun(run) ?? '';
    const [[parent, pins], record] = await this.#asked(
      Promise.all([
        this.#redis.hmget(keys.run(shard, run), 'parent', 'pins'),
        this.#redis.hget(keys.steps(shard, run), ref),
      ]),
    );
    let depth = 0;
    for (let above = parent ?? ''; above !== '' && depth < depthMax; depth += 1) {
      above = (await this.#asked(this.#redis.hget(keys.run(shard, above.split('|')[0] ?? ''), 'parent'))) ?? '';
    }
    const [, , , lapses] = JSON.parse(record ?? '[]') as [string?, number?, number?, number?];
    const pinned =
      pins === '' || pins === null || pins === undefined ? {} : (JSON.parse(pins) as Record<string, string>);
    return { depth, pins: pinned, lapses: lapses ?? 0 };
  }

  async startedAtMs(run: string): Promise<number> {
    return Number(await this.#asked(this.#redis.hget(keys.run(shardOfRun(run) ?? '', run), 'started')));
  }

  #asked<T>(answer: Promise<T>): Promise<T> {
    return answer.catch((error: unknown) => {
      throw redisFailed('reading a run', error);
    });
  }
}
