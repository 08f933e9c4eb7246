import assert from 'node:assert/strict';
import type { Redis } from 'ioredis';
import type { FunctionLibrary } from '@orrery/kit/redis-functions';
import { Transitions, type TransitionBounds } from '#services/orchestrator/src/core/transitions.ts';
import { readShard, type Dump } from './dump.ts';

export interface Told {
  readonly n: number;
  readonly at: string;
  readonly release: string;
  readonly call: readonly string[];
  readonly text: string;
}

/** A shard that is made again out of its log, beside the first. */
export class Replica {
  readonly #redis: Redis;
  readonly #transitions: Transitions;
  readonly #shard: string;

  constructor(redis: Redis, library: FunctionLibrary, shard: string, bounds: TransitionBounds) {
    this.#redis = redis;
    this.#shard = shard;
    this.#transitions = new Transitions({ redis, library, release: () => '', random: () => 0, bounds });
  }

  /** The state is the fold of its log: applied again it gives the same keys, and the very same entries. */
  async assertFold(log: readonly Told[]): Promise<void> {
    const shard = `${this.#shard}-again`;
    for (const { text, ...entry } of log) {
      const { outcome, made } = await this.#transitions.replay(shard, entry);
      assert.equal(outcome, 'applied', `entry ${entry.n}`);
      assert.equal(made, text, `entry ${entry.n} gives itself`);
    }
    assert.deepEqual(told(await readShard(this.#redis, shard)), told(await readShard(this.#redis, this.#shard)));
  }
}

/** Without what is no part of the log: deadlines of leases and progress, which beats say, and whether the shard is closed. */
function told(dump: Dump): Dump {
  const entries = Object.entries(dump).flatMap(([name, value]) => {
    if (name === 'leases') return [[name, (value as [string, number][]).map(([lease]) => lease).sort()]];
    if (name === 'meta') return [[name, { ...(value as object), closed: undefined }]];
    if (!name.startsWith('data:')) return [[name, value]];
    const data = Object.fromEntries(
      Object.entries(value as Record<string, string>).filter(([field]) => !field.startsWith('p:')),
    );
    return Object.keys(data).length === 0 ? [] : [[name, data]];
  });
  return Object.fromEntries(entries) as Dump;
}
