import assert from 'node:assert/strict';
import { PlanError } from '#infra/errors.ts';
import { planExternalSecret, planSecretStore } from '#infra/planning/platform/secrets.ts';

const request = {
  storeName: 'store',
  secretName: 'grafana',
  remoteName: 'grafana',
  keys: { password: 'adminPassword' },
  refreshMinutes: 60,
};

function refusedAs(code: string) {
  return (error: unknown) => error instanceof PlanError && error.code === code;
}

describe('secrets that people keep in AWS', () => {
  it('lie below the environment’s prefix, and are handed to the namespaces that are named', () => {
    const store = { environment: 'dev', region: 'eu-west-1', namespaces: ['orrery'] };
    assert.deepEqual(planSecretStore(store), {
      provider: { aws: { service: 'SecretsManager', region: 'eu-west-1', prefix: 'orrery/dev/' } },
      conditions: [{ namespaces: ['orrery'] }],
    });
    assert.throws(() => planSecretStore({ ...store, namespaces: [] }), refusedAs('SECRETS_CLOSED'));
  });

  it('are looked at once an hour at most, and kept when the look fails', () => {
    assert.deepEqual(planExternalSecret(request), {
      refreshInterval: '60m',
      secretStoreRef: { kind: 'ClusterSecretStore', name: 'store' },
      target: { name: 'grafana', creationPolicy: 'Owner', deletionPolicy: 'Retain' },
      data: [{ secretKey: 'password', remoteRef: { key: 'grafana', property: 'adminPassword' } }],
    });
    for (const refreshMinutes of [59, 0, 90.5]) {
      assert.throws(() => planExternalSecret({ ...request, refreshMinutes }), refusedAs('SECRET_REFRESH'));
    }
    assert.throws(() => planExternalSecret({ ...request, keys: {} }), refusedAs('SECRET_EMPTY'));
  });
});
