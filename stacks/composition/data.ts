import type { Output } from '@pulumi/pulumi';
import { ClickHouse } from '#infra/data/clickhouse.ts';
import { ObjectStore } from '#infra/data/object-store.ts';
import type { RedisRole } from '#infra/data/redis.ts';
import { Valkey } from '#infra/data/valkey.ts';
import { allow } from '#infra/planning/iam.ts';
import { engineVersions, imageReference } from '#infra/planning/versions.ts';
import type { AwsSettings } from '../settings/settings.ts';
import type { BucketStore, ClusterLayer, DataLayer, Foundation, NamespaceLayer, NetworkLayer } from './layers.ts';

export interface DataRequest {
  readonly settings: AwsSettings;
  readonly foundation: Foundation;
  readonly network: NetworkLayer;
  readonly cluster: ClusterLayer;
  readonly namespace: NamespaceLayer;
}

const database = 'orrery';

export function createData(request: DataRequest): DataLayer & { readonly store: BucketStore } {
  const { settings, foundation, network, cluster, namespace } = request;
  const { region, providers, keyArn } = foundation;
  const { namespaceName, token } = namespace;
  const store = new ObjectStore('store', { keyArn, lock: settings.store.lock }, { providers });
  const valkey = (role: RedisRole) =>
    new Valkey(
      `redis-${role}`,
      {
        role,
        vpcId: network.vpcId,
        subnetIds: network.privateSubnetIds,
        clientSecurityGroupId: cluster.securityGroupId,
        engine: engineVersions.valkey,
        ...settings.redis[role],
        authToken: token.value,
        keyArn,
      },
      { providers },
    );
  const redis = { state: valkey('state'), cache: valkey('cache') };
  const clickhouse = new ClickHouse(
    'clickhouse',
    {
      namespace: namespaceName,
      image: imageReference('clickhouse'),
      database,
      password: { secretName: token.secretName, key: token.key },
      ...settings.clickhouse,
      after: cluster.ready,
    },
    { providers: cluster.providers },
  );
  return {
    redis,
    clickhouse: { url: clickhouse.url, database },
    store: { kind: 'bucket', bucketName: store.bucketName, region, policy: storePolicy(store, keyArn) },
    ready: [clickhouse],
  };
}

/** Objects are added and read, never deleted: whoever holds this role can't unmake a release. */
function storePolicy({ arn }: ObjectStore, keyArn: Output<string>): Output<string> {
  return allow(
    { actions: ['s3:GetObject', 's3:PutObject'], resources: [arn.apply((text) => `${text}/sha256/*`)] },
    { actions: ['kms:Decrypt', 'kms:GenerateDataKey'], resources: [keyArn] },
  );
}
