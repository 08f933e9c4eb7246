/** A recorder as a process of its own, to be killed. Started by fork; the first message is the order. */
import { openBus } from '@orrery/kit/bus/open';
import { openClickHouse } from '@orrery/kit/clickhouse';
import { openHistory } from '#services/orchestrator/src/history/history.ts';
import { Recorder } from '#services/orchestrator/src/history/recorder.ts';
import { makeMetrics, quiet } from './run-log.ts';

export interface Order {
  readonly redis: { readonly url: string; readonly password: string };
  readonly clickhouse: { readonly url: string; readonly token: string };
}

async function run({ redis, clickhouse }: Order): Promise<void> {
  const bus = await openBus({ driver: 'redis', ...redis, leaseMs: 500 }, { name: 'recorder' });
  const client = openClickHouse({ ...clickhouse, database: 'orrery', service: 'orchestrator' });
  const history = await openHistory(client, { log: quiet, metrics: makeMetrics().metrics });
  const recorder = new Recorder({ bus, clickhouse: client, history, service: 'orchestrator', log: quiet });
  await recorder.round();
  process.send?.('recording');
}

process.once('message', (order) => {
  run(order as Order).catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
});
// Whoever started it is gone: nobody would ever end it.
process.once('disconnect', () => process.exit(0));
