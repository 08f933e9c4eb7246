import assert from 'node:assert/strict';
import { Redis } from 'ioredis';
import { after, before, beforeEach, describe, it } from 'mocha';
import { RedisPeers } from '#services/orchestrator/src/triggers/redis-peers.ts';
import { RedisWatermarks } from '#services/orchestrator/src/triggers/redis-watermarks.ts';
import { startRedis, type RedisServer } from '#test/support/redis.ts';

describe('what an orchestrator reads of triggers in Redis', () => {
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
  beforeEach(() => redis.flushall());

  it('is the watermarks of many triggers at once, also of several tenants', async () => {
    await redis.hset('fired:main', 'w|cron * * * * * UTC', '1767225600000');
    const watermarks = new RedisWatermarks(redis, (tenant) => `fired:${tenant}`);
    const place = { tenant: 'main', workflow: 'w', trigger: 'cron * * * * * UTC' };
    const places = [{ ...place, tenant: 'other' }, place, { ...place, workflow: 'v' }];
    assert.deepEqual(await watermarks.last(places), [undefined, 1_767_225_600_000, undefined]);
  });

  it('is which orchestrators live: a deadline that passes takes one out', async () => {
    const [a, b] = ['a', 'b'].map((self) => new RedisPeers(redis, { key: 'orchestrators', self }));
    assert.ok(a !== undefined && b !== undefined);
    assert.deepEqual(a.live(), ['a']);
    await a.beat();
    await b.beat();
    await a.beat();
    assert.deepEqual(
      [a.live(), b.live()],
      [
        ['a', 'b'],
        ['a', 'b'],
      ],
    );
    const same = a.live();
    await a.beat();
    assert.equal(a.live(), same);
    await redis.zadd('orchestrators', 1, 'b');
    await a.beat();
    assert.deepEqual(a.live(), ['a']);
    await a.leave();
    assert.equal(await redis.zcard('orchestrators'), 0);
  });
});
