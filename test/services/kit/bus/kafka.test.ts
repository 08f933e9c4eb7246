import { describeBus } from './conformance.ts';

const brokers = process.env['KAFKA_BROKERS'];

if (brokers === undefined || brokers === '') {
  describe('event bus on Kafka', () => {
    it('skipped: KAFKA_BROKERS is not set');
  });
} else {
  describeBus({
    name: 'Kafka',
    restarts: false,
    setUp: async () => ({
      config: {
        driver: 'kafka',
        brokers: brokers.split(','),
        // The least a broker allows by default; a rebalance waits for a dead member for the second only.
        sessionTimeoutMs: 6000,
        rebalanceTimeoutMs: 1000,
      },
      kills: 12,
      close: async () => undefined,
    }),
  });
}
