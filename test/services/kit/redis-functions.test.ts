import assert from 'node:assert/strict';
import { composeLibrary, fcall, loadLibrary } from '@orrery/kit/redis-functions';
import { Redis } from 'ioredis';
import { readFileSync } from 'node:fs';
import { startRedis, type RedisServer } from '#test/support/redis.ts';

const counting = readFileSync(new URL('./fixtures/count.lua', import.meta.url), 'utf8');

describe('a library of Redis functions', () => {
  let server: RedisServer;
  let redis: Redis;
  before(async () => {
    server = await startRedis();
    redis = new Redis(server.url, { password: server.password });
  });
  after(async () => {
    redis.disconnect();
    await server.stop();
  });

  it('is loaded by the first call, and again when Redis has lost it', async () => {
    const library = composeLibrary('counting', [counting]);
    const count = () => fcall(redis, library, { name: `${library.name}_count`, keys: ['counter'], args: [2] });
    assert.equal(await count(), 2);
    await redis.function('FLUSH');
    assert.equal(await count(), 4);
    await loadLibrary(redis, library);
    assert.equal(await count(), 6);
  });

  it('is named by its content, so that two releases keep their own functions', async () => {
    const one = composeLibrary('counting', [counting]);
    const two = composeLibrary('counting', [counting.replace('INCRBY', 'DECRBY')]);
    assert.notEqual(one.name, two.name);
    assert.equal(composeLibrary('counting', [counting]).name, one.name);
    const call = (library: typeof one) =>
      fcall(redis, library, { name: `${library.name}_count`, keys: ['both'], args: [5] });
    assert.deepEqual([await call(one), await call(two), await call(one)], [5, 0, 5]);
  });

  it('passes on every other error', async () => {
    const library = composeLibrary('counting', [counting]);
    await redis.set('word', 'hello');
    await assert.rejects(
      fcall(redis, library, { name: `${library.name}_count`, keys: ['word'], args: [1] }),
      /not an integer/,
    );
  });
});
