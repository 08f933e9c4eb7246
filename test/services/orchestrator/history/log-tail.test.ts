import { startRedis } from '#test/support/redis.ts';
import { describeTail } from './log-tail.ts';

const brokers = (process.env['KAFKA_BROKERS'] ?? '').split(',').filter((broker) => broker !== '');

describeTail('Redis Streams', async () => {
  const redis = await startRedis();
  return { config: { driver: 'redis', url: redis.url, password: redis.password }, close: () => redis.stop() };
});

if (brokers.length === 0) {
  describe('the tail of the run log on Kafka', () => {
    it('skipped: KAFKA_BROKERS is not set');
  });
} else {
  const config = { driver: 'kafka', brokers, sessionTimeoutMs: 6000, rebalanceTimeoutMs: 1000 } as const;
  describeTail('Kafka', async () => ({ config, close: async () => undefined }));
}
