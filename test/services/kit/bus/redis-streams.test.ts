import { startRedis } from '#test/support/redis.ts';
import { describeBus } from './conformance.ts';

describeBus({
  name: 'Redis Streams',
  restarts: true,
  setUp: async () => {
    const server = await startRedis({ appendonly: 'always' });
    return {
      config: { driver: 'redis', url: server.url, password: server.password, leaseMs: 600 },
      kills: 16,
      close: () => server.stop(),
      restart: () => server.restart(),
    };
  },
});
