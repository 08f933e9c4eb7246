import assert from 'node:assert/strict';
import { assertPolicy, openRedis } from '@orrery/kit/redis';
import { startRedis } from '#test/support/redis.ts';

describe('the policy of a Redis', () => {
  it('is refused when what is kept there could be evicted', async () => {
    const server = await startRedis({ policy: 'volatile-lru' });
    const redis = openRedis({ url: server.url, password: server.password, name: 'test' });
    await assertPolicy(redis, 'volatile-lru');
    await assert.rejects(assertPolicy(redis, 'noeviction'), {
      code: 'REDIS_POLICY_WRONG',
      message: /volatile-lru.*noeviction/,
    });
    redis.disconnect();
    await server.stop();
  });

  it('is found without CONFIG, which managed services refuse', async () => {
    const server = await startRedis({ policy: 'noeviction' });
    const administrator = openRedis({ url: server.url, password: server.password, name: 'administrator' });
    await administrator.acl('SETUSER', 'default', '-config');
    const redis = openRedis({ url: server.url, password: server.password, name: 'test' });
    await assert.rejects(redis.config('GET', 'maxmemory-policy'), /NOPERM/);
    await assertPolicy(redis, 'noeviction');
    redis.disconnect();
    administrator.disconnect();
    await server.stop();
  });
});
