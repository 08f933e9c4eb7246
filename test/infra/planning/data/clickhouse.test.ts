import assert from 'node:assert/strict';
import type { types } from '@pulumi/kubernetes';
import { PlanError } from '#infra/errors.ts';
import {
  planClaimTemplate,
  planClickHouse,
  planClickHouseHosts,
  planClickHouseSettings,
  planClickHouseSpec,
  type ClickHouseSize,
  type ClickHouseSpecRequest,
} from '#infra/planning/data/clickhouse.ts';

const size = { shards: 2, replicas: 3, keepers: 3 };
const place = { endpoint: 'https://bucket.example/', region: 'eu-west-1' };

const request: ClickHouseSpecRequest = {
  ...size,
  name: 'clickhouse',
  image: `registry.example/clickhouse:1@sha256:${'a'.repeat(64)}`,
  database: 'orrery',
  password: { secretName: 'token-secret', key: 'token' },
  users: [],
  keeperHost: 'keeper-1',
  serviceAccountName: 'account-1',
  storageClassName: 'kept',
  cpu: 2,
  memoryMiB: 8192,
  volumeGiB: 200,
  nodePools: true,
  labels: { app: 'clickhouse' },
  cold: undefined,
  backups: undefined,
};

function refuses(changed: Partial<ClickHouseSize>, code: string): void {
  assert.throws(
    () => planClickHouse({ ...size, ...changed }),
    (error) => error instanceof PlanError && error.code === code,
  );
}

describe('the plan of a ClickHouse', () => {
  it('refuses no shard and more than 32', () => {
    assert.equal(planClickHouse({ ...size, shards: 1 }).shards, 1);
    assert.equal(planClickHouse({ ...size, shards: 32 }).shards, 32);
    for (const shards of [0, 33, 1.5]) refuses({ shards }, 'CLICKHOUSE_SHARDS_INVALID');
  });

  it('refuses more copies than there are zones to keep them in', () => {
    assert.equal(planClickHouse({ ...size, replicas: 1 }).replicas, 1);
    assert.equal(planClickHouse({ ...size, replicas: 3 }).replicas, 3);
    for (const replicas of [0, 4, 1.5]) refuses({ replicas }, 'CLICKHOUSE_REPLICAS_INVALID');
  });

  it('refuses keepers that have no majority of their own', () => {
    for (const keepers of [1, 3, 5]) assert.equal(planClickHouse({ ...size, keepers }).keepers, keepers);
    for (const keepers of [0, 2, 4, 6, 7]) refuses({ keepers }, 'CLICKHOUSE_KEEPERS_INVALID');
  });

  it('knows every server by name, shard by shard', () => {
    assert.deepEqual(planClickHouseHosts('clickhouse', { shards: 2, replicas: 2, keepers: 1 }), [
      ['chi-clickhouse-orrery-0-0', 'chi-clickhouse-orrery-0-1'],
      ['chi-clickhouse-orrery-1-0', 'chi-clickhouse-orrery-1-1'],
    ]);
  });

  it('keeps volumes whatever happens to servers, installation or operator', () => {
    const spec = planClickHouseSpec(request);
    assert.equal(spec.defaults.storageManagement.reclaimPolicy, 'Retain');
    assert.deepEqual(spec.reconcile.cleanup, {
      unknownObjects: { pvc: 'Retain' },
      reconcileFailedObjects: { pvc: 'Retain' },
    });
    assert.deepEqual(spec.templates.volumeClaimTemplates, [
      {
        name: 'data',
        reclaimPolicy: 'Retain',
        spec: {
          accessModes: ['ReadWriteOnce'],
          storageClassName: 'kept',
          resources: { requests: { storage: '200Gi' } },
        },
      },
    ]);
    assert.deepEqual(planClaimTemplate({ volumeGiB: 5, storageClassName: undefined }).spec, {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '5Gi' } },
    });
  });

  it('is one cluster of shards and replicas whose servers trust a secret, and lose one at a time', () => {
    const { configuration } = planClickHouseSpec(request);
    assert.deepEqual(configuration.clusters, [
      {
        name: 'orrery',
        secret: { auto: 'True' },
        pdbManaged: 'yes',
        pdbMaxUnavailable: 1,
        layout: { shardsCount: 2, replicasCount: 3 },
      },
    ]);
    assert.deepEqual(configuration.zookeeper, { nodes: [{ host: 'keeper-1', port: 2181 }] });
    assert.deepEqual(configuration.users, {
      'default/password': { valueFrom: { secretKeyRef: { name: 'token-secret', key: 'token' } } },
      'default/networks/ip': ['::/0'],
    });
  });

  it('runs without rights on the pool that is never reclaimed, copies apart by zone', () => {
    const [pod] = planClickHouseSpec(request).templates.podTemplates;
    assert.deepEqual(pod?.podDistribution, [
      { type: 'ShardAntiAffinity', scope: 'ClickHouseInstallation', topologyKey: 'topology.kubernetes.io/zone' },
      { type: 'ClickHouseAntiAffinity', scope: 'ClickHouseInstallation' },
    ]);
    assert.deepEqual(pod.spec.nodeSelector, { 'orrery.dev/pool': 'general' });
    assert.equal(pod.spec.automountServiceAccountToken, false);
    const [anywhere] = planClickHouseSpec({ ...request, nodePools: false }).templates.podTemplates;
    assert.equal(anywhere?.spec.nodeSelector, undefined);
  });

  it('may take ten minutes to load what it has, and is given up after a minute without an answer', () => {
    const [pod] = planClickHouseSpec(request).templates.podTemplates;
    const { startupProbe, readinessProbe, livenessProbe } =
      (pod?.spec.containers as types.input.core.v1.Container[])[0] ?? {};
    const httpGet = { path: '/ping', port: 8123 };
    assert.deepEqual(startupProbe, { httpGet, periodSeconds: 5, failureThreshold: 120 });
    assert.deepEqual(readinessProbe, { httpGet, periodSeconds: 5 });
    assert.deepEqual(livenessProbe, { httpGet, periodSeconds: 15, failureThreshold: 4 });
  });

  it('repeats on every server what is defined on one', () => {
    const settings = planClickHouseSettings({ database: 'orrery', cold: undefined, backups: undefined });
    assert.equal(
      settings['startup_scripts/scripts/query'],
      "CREATE DATABASE IF NOT EXISTS orrery ENGINE = Replicated('/clickhouse/databases/orrery', '{shard}', '{replica}')",
    );
    assert.deepEqual(
      Object.keys(settings).filter((key) => key.startsWith('storage_configuration') || key.startsWith('s3')),
      [],
    );
  });

  it('writes to the volume first and moves to S3 second, by the role of its pods alone', () => {
    const settings = planClickHouseSettings({ database: 'orrery', cold: place, backups: undefined });
    const tiers = Object.entries(settings).filter(([key]) => /^(storage_configuration|merge_tree|s3)\//.test(key));
    assert.deepEqual(Object.fromEntries(tiers), {
      'storage_configuration/disks/cold/type': 's3',
      'storage_configuration/disks/cold/endpoint': 'https://bucket.example/',
      'storage_configuration/disks/cold/region': 'eu-west-1',
      'storage_configuration/disks/cold/use_environment_credentials': 'true',
      'storage_configuration/policies/tiered/volumes/hot/disk': 'default',
      'storage_configuration/policies/tiered/volumes/hot/volume_priority': '1',
      'storage_configuration/policies/tiered/volumes/cold/disk': 'cold',
      'storage_configuration/policies/tiered/volumes/cold/volume_priority': '2',
      'merge_tree/storage_policy': 'tiered',
    });
  });

  it('reaches the bucket of its backups by the role of its pods alone', () => {
    const settings = planClickHouseSettings({ database: 'orrery', cold: undefined, backups: place });
    assert.equal(settings['s3/backups/endpoint'], 'https://bucket.example/');
    assert.equal(settings['s3/backups/use_environment_credentials'], 'true');
  });
});
