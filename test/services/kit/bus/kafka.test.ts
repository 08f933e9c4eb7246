import type { BusConfig } from '@orrery/kit/bus/open';
import { describeBus } from './conformance.ts';
import { describeKafkaLog } from './kafka-log.ts';

const brokers = (process.env['KAFKA_BROKERS'] ?? '').split(',').filter((broker) => broker !== '');

if (brokers.length === 0) {
  describe('event bus on Kafka', () => {
    it('skipped: KAFKA_BROKERS is not set');
  });
} else {
  const config: BusConfig = {
    driver: 'kafka',
    brokers,
    // The least a broker allows by default; a rebalance waits for a dead member for the second only.
    sessionTimeoutMs: 6000,
    rebalanceTimeoutMs: 1000,
  };
  describeBus({
    name: 'Kafka',
    restarts: false,
    setUp: async () => ({ config, kills: 12, close: async () => undefined }),
  });
  describeKafkaLog(brokers, config);
}
