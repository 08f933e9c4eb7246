import assert from 'node:assert/strict';
import { PlanError } from '#infra/errors.ts';
import { KafkaOperator } from '#infra/platform/kafka-operator.ts';
import { outline, record, resourceNamed } from '#test/support/pulumi.ts';

function recordOperator(replicas: number, systemPool = true) {
  const args = { namespace: 'orrery-system', watched: ['orrery'], placement: { replicas, systemPool }, after: [] };
  return record(() => new KafkaOperator('kafka-operator', args));
}

type Values = Readonly<Record<string, unknown>>;

async function valuesOf(replicas: number, systemPool?: boolean): Promise<Values> {
  return resourceNamed(await recordOperator(replicas, systemPool), 'kafka-operator-chart').inputs['values'] as Values;
}

describe('the operator of Kafka', () => {
  it('is one release of its chart at the pinned version, and what a Kafka waits for', async () => {
    const recording = await recordOperator(2);
    assert.deepEqual(outline(recording), [
      'orrery:platform:KafkaOperator kafka-operator',
      'kubernetes:helm.sh/v3:Release kafka-operator-chart < kafka-operator',
    ]);
    const { inputs } = resourceNamed(recording, 'kafka-operator-chart');
    assert.deepEqual([inputs['name'], inputs['namespace']], ['strimzi-kafka-operator', 'orrery-system']);
    assert.match(String(inputs['version']), /^\d+\.\d+\.\d+$/);
    assert.equal(recording.result.ready.length, 1);
    assert.deepEqual([...recording.completed], ['kafka-operator']);
  });

  it('looks after the namespaces that it is told and no others, with the rights of a restricted pod', async () => {
    const values = await valuesOf(2);
    assert.deepEqual(values['watchNamespaces'], ['orrery']);
    assert.equal(values['watchAnyNamespace'], undefined);
    assert.equal((values['podSecurityContext'] as Values)['runAsNonRoot'], true);
    assert.equal((values['securityContext'] as Values)['readOnlyRootFilesystem'], true);
  });

  it('keeps one of several copies through a drain, and blocks none with a single one', async () => {
    assert.deepEqual((await valuesOf(2))['podDisruptionBudget'], { enabled: true, maxUnavailable: 1 });
    assert.deepEqual((await valuesOf(1))['podDisruptionBudget'], { enabled: false, maxUnavailable: 1 });
  });

  it('runs on the nodes that are kept for such programs, and anywhere where there are none', async () => {
    assert.deepEqual((await valuesOf(1, true))['nodeSelector'], { 'orrery.dev/pool': 'system' });
    assert.deepEqual((await valuesOf(1, false))['nodeSelector'], {});
  });

  it('refuses copies that nobody runs', async () => {
    await assert.rejects(recordOperator(0), (error) => error instanceof PlanError);
  });
});
