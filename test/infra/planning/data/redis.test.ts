import assert from 'node:assert/strict';
import { PlanError } from '#infra/errors.ts';
import { planRedisSet, redisProbeScript, redisStartScript, type RedisSetSize } from '#infra/planning/data/redis.ts';

function refuses(size: RedisSetSize, code: string): void {
  assert.throws(
    () => planRedisSet(size),
    (error) => error instanceof PlanError && error.code === code,
  );
}

describe('the plan of a Redis in a pod', () => {
  it('keeps state: nothing is evicted, every second is logged, three quarters of the memory are data', () => {
    assert.deepEqual(planRedisSet({ role: 'state', memoryMiB: 1000, volumeGiB: 2 }), {
      policy: 'noeviction',
      memoryMaxMiB: 750,
      volumeGiB: 2,
      configuration: `include /run/valkey/password.conf
bind * -::*
port 6379
protected-mode yes
maxmemory 750mb
maxmemory-policy noeviction
dir /data
save ""
appendonly yes
appendfsync everysec
`,
    });
  });

  it('lets a cache forget: the least used goes, nothing is written down', () => {
    assert.deepEqual(planRedisSet({ role: 'cache', memoryMiB: 65 }), {
      policy: 'volatile-lru',
      memoryMaxMiB: 48,
      configuration: `include /run/valkey/password.conf
bind * -::*
port 6379
protected-mode yes
maxmemory 48mb
maxmemory-policy volatile-lru
dir /run/valkey
save ""
appendonly no
`,
    });
  });

  it('refuses memory in which nothing fits', () => {
    assert.equal(planRedisSet({ role: 'cache', memoryMiB: 64 }).memoryMaxMiB, 48);
    refuses({ role: 'cache', memoryMiB: 63 }, 'REDIS_MEMORY_INVALID');
    refuses({ role: 'cache', memoryMiB: 100.5 }, 'REDIS_MEMORY_INVALID');
  });

  it('refuses state without a volume of twice the memory, and a cache with any', () => {
    assert.equal(planRedisSet({ role: 'state', memoryMiB: 1024, volumeGiB: 2 }).volumeGiB, 2);
    refuses({ role: 'state', memoryMiB: 1025, volumeGiB: 2 }, 'REDIS_VOLUME_INVALID');
    refuses({ role: 'state', memoryMiB: 1024 }, 'REDIS_VOLUME_INVALID');
    refuses({ role: 'cache', memoryMiB: 1024, volumeGiB: 2 }, 'REDIS_VOLUME_INVALID');
  });

  it('hands the password on by files alone: no process is started with it', () => {
    assert.match(redisStartScript, /^exec valkey-server \/etc\/valkey\/valkey\.conf$/m);
    assert.match(redisProbeScript, /valkey-cli -h 127\.0\.0\.1 -p 6379 ping/);
    assert.doesNotMatch(redisProbeScript, /valkey-cli[^\n]* (-a|--pass|--askpass)\b/);
  });
});
