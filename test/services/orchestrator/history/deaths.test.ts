import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { runEventsTopic } from '@orrery/contracts/run-event';
import { openBus } from '@orrery/kit/bus/open';
import type { EventBus } from '@orrery/kit/bus/types';
import { HistoryDatabase } from '#services/orchestrator/src/history/database.ts';
import { Relay, type OutboxEntry } from '#services/orchestrator/src/history/relay.ts';
import { verifyAll } from '#services/orchestrator/src/history/verify.ts';
import { loadStatements } from '#services/orchestrator/src/statements.ts';
import { startClickHouse, type ClickHouse } from '#test/support/clickhouse.ts';
import { eventually } from '#test/support/eventually.ts';
import { startRedis, type RedisServer } from '#test/support/redis.ts';
import type { Order } from './recorder-process.ts';
import { entryText, makeMetrics, quiet, startMs, stepMoves } from './run-log.ts';

const shards = ['s00', 's01', 's02'];
const entries = 400;
const eventsOfEntry = 25;
const kills = 12;

/** Entry `n` of a shard: the n-th transition of each of 25 runs. */
function text(shard: string, n: number): string {
  const events = Array.from({ length: eventsOfEntry }, (_, index) =>
    stepMoves(`${shard}-r${index}`, n, [String(n), `step-${n}`, 'waiting', 'ready']),
  );
  return entryText({ n, events });
}

describe('recording under kill -9', function () {
  this.timeout(180_000);
  let redis: RedisServer;
  let server: ClickHouse;
  let bus: EventBus;

  before(async () => {
    [redis, server] = await Promise.all([startRedis(), startClickHouse()]);
    bus = await openBus({ driver: 'redis', url: redis.url, password: redis.password }, { name: 'relay' });
    await bus.ensureTopic({ topic: runEventsTopic, partitions: 4 });
  });
  after(async () => {
    await bus.close();
    await redis.stop();
    await server.stop();
  });

  const startRecorder = async (): Promise<ChildProcess> => {
    const child = fork(path.join(import.meta.dirname, 'recorder-process.ts'), {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const { url, password } = redis;
    child.send({ redis: { url, password }, clickhouse: { url: server.url, token: server.token } } satisfies Order);
    await once(child, 'message');
    return child;
  };

  /** Publishes by relays that die now and then, before they have dropped what they published. */
  const relay = async (): Promise<void> => {
    const outboxes = new Map(
      shards.map((shard) => [
        shard,
        Array.from({ length: entries }, (_, index) => ({ id: String(index + 1), text: text(shard, index + 1) })),
      ]),
    );
    const outbox = {
      async relay(shard: string, turn: { published: string }): Promise<OutboxEntry[]> {
        const waiting = outboxes.get(shard) ?? [];
        waiting.splice(0, waiting.findIndex(({ id }) => id === turn.published) + 1);
        return waiting.slice(0, 10);
      },
    };
    const open = (shard: string) => new Relay(shard, { outbox, bus, metrics: makeMetrics().metrics, log: quiet });
    await Promise.all(
      shards.map(async (shard) => {
        let current = open(shard);
        for (let round = 1; outboxes.get(shard)?.length !== 0; round += 1) {
          await current.round();
          if (round % 7 === 0) current = open(shard);
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      }),
    );
  };

  it('loses no event, records none twice, and every chain verifies', async () => {
    const relaying = relay();
    let recorder = await startRecorder();
    for (let kill = 0; kill < kills; kill += 1) {
      await new Promise((resolve) => setTimeout(resolve, 40 + ((kill * 97) % 400)));
      const exited = once(recorder, 'exit');
      recorder.kill('SIGKILL');
      await exited;
      recorder = await startRecorder();
    }
    await relaying;
    const lag = async () => {
      const positions = await bus.positions(runEventsTopic, 'orchestrator-history');
      return positions.reduce((sum, { lagEvents }) => sum + lagEvents, 0) === 0;
    };
    await eventually(lag, { timeoutMs: 60_000, what: 'all entries recorded' });
    const exited = once(recorder, 'exit');
    recorder.kill('SIGKILL');
    await exited;
    const database = new HistoryDatabase(server.client(), await loadStatements());
    const found = await verifyAll(database, { fromMs: startMs, toMs: startMs + 86_400_000 });
    const runs = shards.length * eventsOfEntry;
    assert.deepEqual(found, {
      runs,
      rows: runs * entries,
      unchained: 0,
      wrongRuns: 0,
      wrong: [],
      gaps: [],
      losses: [],
      whole: true,
    });
    const client = server.client();
    const counted = await client.query({
      query: 'SELECT toUInt32(count()) AS n FROM run_log_rejects',
      format: 'JSONEachRow',
    });
    assert.deepEqual(await counted.json(), [{ n: 0 }]);
  });
});
