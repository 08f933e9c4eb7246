import assert from 'node:assert/strict';
import { Registry } from 'prom-client';
import { describe, it } from 'mocha';
import { measureWorkers } from '#services/orchestrator/src/consumers.ts';
import { createMetrics } from '#services/orchestrator/src/metrics.ts';

describe('the metrics of the door', () => {
  it('count the workers and what they have in hand, by pool, and forget a pool that the last one left', async () => {
    const registry = new Registry();
    const metrics = createMetrics(registry);
    const told = async () => {
      const text = await registry.metrics();
      return text.split('\n').filter((line) => line.startsWith('orrery_orchestrator_workers'));
    };
    measureWorkers(
      [
        { pool: 'reports', held: 3 },
        { pool: 'gpu', held: 0 },
        { pool: 'reports', held: 4 },
      ],
      metrics,
    );
    assert.deepEqual(await told(), [
      'orrery_orchestrator_workers{pool="reports"} 2',
      'orrery_orchestrator_workers{pool="gpu"} 1',
      'orrery_orchestrator_workers_steps_held{pool="reports"} 7',
      'orrery_orchestrator_workers_steps_held{pool="gpu"} 0',
    ]);
    measureWorkers([{ pool: 'gpu', held: 1 }], metrics);
    assert.deepEqual(await told(), [
      'orrery_orchestrator_workers{pool="gpu"} 1',
      'orrery_orchestrator_workers_steps_held{pool="gpu"} 1',
    ]);
    measureWorkers([], metrics);
    assert.deepEqual(await told(), []);
  });
});
