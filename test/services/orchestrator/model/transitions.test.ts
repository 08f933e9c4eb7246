import fc from 'fast-check';
import { Redis } from 'ioredis';
import { after, before, describe, it } from 'mocha';
import { loadLibrary } from '@orrery/kit/redis-functions';
import { startRedis, type RedisServer } from '#test/support/redis.ts';
import { libraryWith } from './bounded-library.ts';
import { assertInvariants } from './invariants.ts';
import { assertLog } from './log-invariants.ts';
import { operationOf, type Operation } from './operations.ts';
import { bounds, defineAll, Pair } from './pair.ts';
import { Replica } from './replica.ts';

const sequences = 40;

describe('the transitions of a shard', function () {
  this.timeout(600_000);
  let server: RedisServer;
  let redis: Redis;
  let shards = 0;

  before(async () => {
    server = await startRedis();
    redis = new Redis(server.url, { password: server.password });
  });

  after(async () => {
    redis.disconnect();
    await server.stop();
  });

  async function compare(operations: readonly Operation[]): Promise<void> {
    // The model does all that follows from a call in that call; calls that leave work behind are the schedules' part.
    const library = libraryWith(1_000_000);
    await loadLibrary(redis, library);
    shards += 1;
    const pair = new Pair(redis, library, `m${shards}`);
    await defineAll(pair);
    for (const each of operations) {
      await pair.apply(each);
      await pair.compare();
      await assertInvariants(redis, pair.shard);
    }
    await pair.relay();
    pair.compareLog();
    assertLog(pair.log);
    await new Replica(redis, library, pair.shard, bounds).assertFold(pair.log);
  }

  it('are those of the model, whatever is done in whatever order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(operationOf('hasty'), { minLength: 1, maxLength: 120, size: 'max' }),
        async (operations) => {
          await compare(operations);
        },
      ),
      { numRuns: sequences, endOnFailure: true },
    );
  });
});
