import { OrreryError } from '@orrery/kit/errors';
import type { Redis } from '@orrery/kit/redis';
import { redisFailed, runMissing } from '../errors.ts';
import { keys, shardOfRun } from '../core/keys.ts';

const fieldsAtOnce = 512;
/** Of all results that one step asks for: they are in memory together. */
const resultsLengthMax = 64 * 1024 * 1024;

/** Reads what steps have left, in parts, so that no call to Redis is long. */
export class ResultReader {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /** The results (JSON) of steps by their refs; undefined where there is none. */
  async texts(run: string, refs: readonly string[]): Promise<(string | undefined)[]> {
    const where = keys.data(shardOf(run), run);
    const found: (string | undefined)[] = [];
    let length = 0;
    for (let first = 0; first < refs.length; first += fieldsAtOnce) {
      const fields = refs.slice(first, first + fieldsAtOnce).map((ref) => `r:${ref}`);
      const texts = await this.#redis.hmget(where, ...fields).catch((error: unknown) => {
        throw redisFailed('reading results', error);
      });
      for (const text of texts) {
        length += text?.length ?? 0;
        found.push(text ?? undefined);
      }
      if (length > resultsLengthMax) throw tooLarge(run, length);
    }
    return found;
  }

  /** The results of all items of a map, in order; null where an item failed. */
  async list(run: string, ref: string, items: number): Promise<unknown[]> {
    const refs = Array.from({ length: items }, (_, index) => `${ref}.${index}`);
    const texts = await this.texts(run, refs);
    return texts.map((text) => (text === undefined ? null : (JSON.parse(text) as unknown)));
  }
}

function shardOf(run: string): string {
  const shard = shardOfRun(run);
  if (shard === undefined) throw runMissing(run);
  return shard;
}

function tooLarge(run: string, length: number): OrreryError {
  return new OrreryError({
    code: 'RESULTS_TOO_LARGE',
    message: `the results that a step of ${run} asks for have ${length} characters and more, the bound is ${resultsLengthMax}`,
    hint: 'let steps put large things into the store and return their digests, or name fewer results',
  });
}
