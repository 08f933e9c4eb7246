import assert from 'node:assert/strict';
import { ComponentResource } from '@pulumi/pulumi';
import { createExternalSecret, ExternalSecrets, type ExternalSecretsArgs } from '#infra/platform/external-secrets.ts';
import { outline, record, resourceNamed } from '#test/support/pulumi.ts';

const args: ExternalSecretsArgs = {
  namespace: 'orrery-system',
  clusterName: 'orrery-dev',
  environment: 'dev',
  region: 'eu-west-1',
  accountId: '000000000000',
  keyArn: 'arn:aws:kms:::key/1',
  namespaces: ['orrery', 'orrery-observability'],
  placement: { replicas: 2, systemPool: true },
  after: [],
};

describe('external secrets', () => {
  it('are a chart with a role, and a store for the namespaces that are named', async () => {
    const recording = await record(() => new ExternalSecrets('secrets', args));
    assert.deepEqual(outline(recording), [
      'orrery:platform:ExternalSecrets secrets',
      'kubernetes:helm.sh/v3:Release secrets-chart < secrets',
      'aws:eks/podIdentityAssociation:PodIdentityAssociation secrets-identity < secrets',
      'aws:iam/rolePolicy:RolePolicy secrets-policy < secrets',
      'aws:iam/role:Role secrets-role < secrets',
      'kubernetes:external-secrets.io/v1:ClusterSecretStore secrets-store < secrets',
    ]);
    assert.ok(resourceNamed(recording, 'secrets-store').dependencies.includes('secrets-chart'));
    const values = resourceNamed(recording, 'secrets-chart').inputs['values'] as Record<string, unknown>;
    assert.deepEqual(
      [values['installCRDs'], values['replicaCount'], values['leaderElect'], values['processPushSecret']],
      [true, 2, true, false],
    );
    assert.deepEqual(values['podDisruptionBudget'], { enabled: true, minAvailable: 1 });
  });

  it('read what lies below the environment’s prefix, decrypt it there, and nothing else', async () => {
    const recording = await record(() => new ExternalSecrets('secrets', args));
    const { Statement } = JSON.parse(String(resourceNamed(recording, 'secrets-policy').inputs['policy'])) as {
      Statement: unknown[];
    };
    assert.deepEqual(Statement, [
      {
        Effect: 'Allow',
        Action: [
          'secretsmanager:GetSecretValue',
          'secretsmanager:DescribeSecret',
          'secretsmanager:ListSecretVersionIds',
        ],
        Resource: ['arn:aws:secretsmanager:eu-west-1:000000000000:secret:orrery/dev/*'],
      },
      {
        Effect: 'Allow',
        Action: ['kms:Decrypt'],
        Resource: ['arn:aws:kms:::key/1'],
        Condition: { StringEquals: { 'kms:ViaService': 'secretsmanager.eu-west-1.amazonaws.com' } },
      },
    ]);
  });

  it('run once without a budget and without an election', async () => {
    const placement = { replicas: 1, systemPool: false };
    const recording = await record(() => new ExternalSecrets('secrets', { ...args, placement }));
    const values = resourceNamed(recording, 'secrets-chart').inputs['values'] as Record<string, unknown>;
    assert.deepEqual([values['leaderElect'], 'podDisruptionBudget' in values], [false, false]);
  });

  it('become Secrets of a component that asks', async () => {
    class Grafana extends ComponentResource {
      constructor() {
        super('test:Grafana', 'grafana', {}, {});
        const { storeName, ready } = new ExternalSecrets('secrets', args);
        createExternalSecret(this, 'grafana-secret', {
          namespace: 'orrery-observability',
          storeName,
          secretName: 'grafana',
          remoteName: 'grafana',
          keys: { password: 'password' },
          refreshMinutes: 120,
          after: ready,
        });
        this.registerOutputs();
      }
    }
    const recording = await record(() => new Grafana());
    const { inputs, parent, dependencies } = resourceNamed(recording, 'grafana-secret');
    assert.deepEqual(
      [parent, inputs['kind'], inputs['metadata']],
      ['grafana', 'ExternalSecret', { namespace: 'orrery-observability' }],
    );
    assert.ok(dependencies.includes('secrets-store'));
  });
});
