import assert from 'node:assert/strict';
import { ClickHouseOperator } from '#infra/platform/clickhouse-operator.ts';
import { outline, record, resourceNamed } from '#test/support/pulumi.ts';

function recordOperator(systemPool: boolean) {
  const placement = { replicas: 2, systemPool };
  const args = { namespace: 'orrery-system', watched: ['orrery'], placement, after: [] };
  return record(() => new ClickHouseOperator('clickhouse-operator', args));
}

type Values = Readonly<Record<string, unknown>>;

async function valuesOf(systemPool: boolean): Promise<Values> {
  const recording = await recordOperator(systemPool);
  return resourceNamed(recording, 'clickhouse-operator-chart').inputs['values'] as Values;
}

describe('the operator of ClickHouse', () => {
  it('is one release of its chart at the pinned version, and what an installation waits for', async () => {
    const recording = await recordOperator(true);
    assert.deepEqual(outline(recording), [
      'orrery:platform:ClickHouseOperator clickhouse-operator',
      'kubernetes:helm.sh/v3:Release clickhouse-operator-chart < clickhouse-operator',
      'random:index/randomPassword:RandomPassword clickhouse-operator-password < clickhouse-operator',
    ]);
    const { inputs } = resourceNamed(recording, 'clickhouse-operator-chart');
    assert.deepEqual([inputs['chart'], inputs['namespace']], ['altinity-clickhouse-operator', 'orrery-system']);
    assert.match(String(inputs['version']), /^\d+\.\d+\.\d+$/);
    assert.equal(recording.result.ready.length, 1);
    assert.deepEqual([...recording.completed], ['clickhouse-operator']);
  });

  it('looks after the namespaces that it is told, and tells its metrics', async () => {
    const values = await valuesOf(true);
    assert.deepEqual(values['configs'], { files: { 'config.yaml': { watch: { namespaces: ['orrery'] } } } });
    assert.equal((values['metrics'] as Values)['enabled'], true);
  });

  it('has the rights of a restricted pod and bounded memory', async () => {
    const { podSecurityContext, operator } = (await valuesOf(true)) as Record<string, Values>;
    assert.equal(podSecurityContext?.['runAsNonRoot'], true);
    assert.equal((operator?.['containerSecurityContext'] as Values)['readOnlyRootFilesystem'], true);
    assert.deepEqual(operator?.['resources'], {
      requests: { cpu: '100m', memory: '256Mi' },
      limits: { memory: '256Mi' },
    });
  });

  it('runs on the nodes that are kept for such programs, and anywhere where there are none', async () => {
    assert.deepEqual((await valuesOf(true))['nodeSelector'], { 'orrery.dev/pool': 'system' });
    assert.deepEqual((await valuesOf(false))['nodeSelector'], {});
  });
});
