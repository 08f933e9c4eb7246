import { resource } from '../exemplar.ts';
import { mutantsOf, set } from '../mutant.ts';

const bare = { protect: false, retainOnDelete: false };

export const dataFaults = [
  ...mutantsOf('stateful-is-protected', [
    ['the store may be deleted', { into: 'store-bucket', change: { protect: false } }, 'store-bucket protect'],
    [
      'the state in Redis goes with the line that makes it',
      { into: 'redis-state-group', change: { retainOnDelete: false } },
      'redis-state-group retainOnDelete',
    ],
    [
      'a volume is added like anything else',
      { add: resource('aws:ebs/volume:Volume', 'ledger', { encrypted: true }, bare) },
      'ledger protect',
      'ledger retainOnDelete',
    ],
    ['the bucket takes its objects with it', set('store-bucket', { forceDestroy: true }), 'store-bucket forceDestroy'],
    ['a repository takes its images with it', set('images', { forceDelete: true }), 'images forceDelete'],
    [
      'a set makes its own volumes, and they go when it is scaled to none',
      set('clickhouse-server', {
        'spec.volumeClaimTemplates': [{ metadata: { name: 'data' } }],
        'spec.persistentVolumeClaimRetentionPolicy': { whenDeleted: 'Retain', whenScaled: 'Delete' },
      }),
      'clickhouse-server protect',
      'clickhouse-server retainOnDelete',
      'clickhouse-server spec.persistentVolumeClaimRetentionPolicy.whenScaled',
    ],
    [
      'disks go with their claims, as is the default',
      set('disks', { reclaimPolicy: undefined }),
      'disks reclaimPolicy',
    ],
    [
      'Kafka goes with the line that makes it',
      { into: 'kafka', change: bare },
      'kafka protect',
      'kafka retainOnDelete',
    ],
    [
      'brokers take their volumes with them',
      {
        add: resource(
          'kubernetes:kafka.strimzi.io/v1beta2:KafkaNodePool',
          'brokers-pool',
          { spec: { storage: { type: 'jbod', volumes: [{ id: 0, deleteClaim: true }] } } },
          { protect: true, retainOnDelete: true },
        ),
      },
      'brokers-pool spec.storage.volumes[0].deleteClaim',
    ],
  ]),
  ...mutantsOf('encrypted-at-rest', [
    [
      'a disk of the managed pools is plain',
      set('template', { 'blockDeviceMappings[0].ebs.encrypted': undefined }),
      'template blockDeviceMappings[0].ebs.encrypted',
    ],
    ['disks are left to the image', set('template', { blockDeviceMappings: [] }), 'template blockDeviceMappings'],
    [
      'a disk of Karpenter’s machines is plain',
      set('node-class', { 'spec.blockDeviceMappings[0].ebs.encrypted': false }),
      'node-class spec.blockDeviceMappings[0].ebs.encrypted',
    ],
    ['the store has no key', { remove: 'store-serversideencryptionconfiguration' }, 'store-bucket encryption'],
    [
      'the store has the key of AWS',
      set('store-serversideencryptionconfiguration', {
        'rules[0].applyServerSideEncryptionByDefault.sseAlgorithm': 'AES256',
      }),
      'store-serversideencryptionconfiguration rules[0].applyServerSideEncryptionByDefault.sseAlgorithm',
    ],
    ['a queue has no key', set('arrivals', { kmsMasterKeyId: undefined }), 'arrivals kmsMasterKeyId'],
    [
      'the registry has the key of AWS',
      set('registry', { 'serverSideEncryption.kmsKeyArn': undefined }),
      'registry serverSideEncryption.kmsKeyArn',
    ],
    [
      'images have the key of AWS',
      set('images', { 'encryptionConfigurations[0].encryptionType': 'AES256' }),
      'images encryptionConfigurations[0]',
    ],
    ['logs have no key', set('cluster-logs', { kmsKeyId: undefined }), 'cluster-logs kmsKeyId'],
    [
      'Redis is plain',
      set('redis-state-group', { atRestEncryptionEnabled: false }),
      'redis-state-group atRestEncryptionEnabled',
    ],
    [
      'secrets of Kubernetes have no key',
      set('cluster', { encryptionConfigKeyArn: undefined }),
      'cluster encryptionConfigKeyArn',
    ],
    ['the key is never turned', set('key', { enableKeyRotation: false }), 'key enableKeyRotation'],
    [
      'brokers have the key of AWS',
      set('brokers', { 'encryptionInfo.encryptionAtRestKmsKeyArn': undefined }),
      'brokers encryptionInfo.encryptionAtRestKmsKeyArn',
    ],
    ['volumes are plain', set('disks', { parameters: { type: 'gp3' } }), 'disks parameters.encrypted'],
  ]),
  ...mutantsOf('data-backed-up', [
    [
      'state has no snapshots',
      set('redis-state-group', { snapshotRetentionLimit: 0 }),
      'redis-state-group snapshotRetentionLimit',
    ],
    [
      'the registry knows no yesterday',
      set('registry', { pointInTimeRecovery: undefined }),
      'registry pointInTimeRecovery.enabled',
    ],
    ['nothing backs up ClickHouse', { remove: 'clickhouse-backup' }, 'graph backup'],
    ['the backup is suspended', set('clickhouse-backup', { 'spec.suspend': true }), 'clickhouse-backup spec.suspend'],
  ]),
  ...mutantsOf('buckets-closed', [
    ['the store may be opened', { remove: 'store-publicaccessblock' }, 'store-bucket publicAccessBlock'],
    [
      'one of four blocks is off',
      set('store-publicaccessblock', { restrictPublicBuckets: false }),
      'store-publicaccessblock restrictPublicBuckets',
    ],
    [
      'the store’s policy lets everybody read',
      set('store-policy', {
        policy: JSON.stringify({
          Statement: [
            { Effect: 'Allow', Principal: { AWS: '*' }, Action: 's3:GetObject', Resource: '*' },
            { Effect: 'Deny', Principal: '*', Action: '*', Condition: { Bool: { 'aws:SecureTransport': 'false' } } },
          ],
        }),
      }),
      'store-policy policy.Statement[0]',
    ],
    [
      'versions are suspended',
      set('store-versioning', { 'versioningConfiguration.status': 'Suspended' }),
      'store-versioning versioningConfiguration.status',
    ],
    ['unfinished uploads stay', set('store-lifecycleconfiguration', { rules: [] }), 'store-bucket lifecycle'],
  ]),
  ...mutantsOf('releases-locked', [
    [
      'the store can not be locked',
      set('store-bucket', { objectLockEnabled: false }),
      'store-bucket objectLockEnabled',
    ],
    ['nothing is locked by default', { remove: 'store-lock' }, 'store-bucket objectLock'],
    [
      'prod’s lock can be lifted',
      set('store-lock', { 'rule.defaultRetention.mode': 'GOVERNANCE' }),
      'store-lock rule.defaultRetention.mode',
    ],
    [
      'prod’s lock ends in a day',
      set('store-lock', { 'rule.defaultRetention.days': 1 }),
      'store-lock rule.defaultRetention.days',
    ],
  ]),
  ...mutantsOf('registries-immutable', [
    ['tags can be pushed again', set('images', { imageTagMutability: 'MUTABLE' }), 'images imageTagMutability'],
    [
      'images are not scanned',
      set('images', { imageScanningConfiguration: undefined }),
      'images imageScanningConfiguration.scanOnPush',
    ],
    ['images stay for ever', { remove: 'images-end' }, 'images lifecyclePolicy'],
  ]),
  ...mutantsOf('redis-policies', [
    [
      'state is evicted when it is full',
      set('redis-state-parameters', { 'parameters[0].value': 'volatile-lru' }),
      'redis-state-parameters parameters[0].value',
    ],
    [
      'the cache evicts what has no expiry too',
      set('redis-cache-parameters', { 'parameters[0].value': 'allkeys-lru' }),
      'redis-cache-parameters parameters[0].value',
    ],
    [
      'the cache says nothing of eviction',
      set('redis-cache-parameters', { parameters: [] }),
      'redis-cache-parameters parameters',
    ],
    [
      'state stands on the cache’s parameters',
      set('redis-state-group', { parameterGroupName: '${redis-cache-parameters.name}' }),
      'redis-state-group parameterGroupName',
    ],
    [
      'state stands on the parameters of AWS',
      set('redis-state-group', { parameterGroupName: 'default.valkey8' }),
      'redis-state-group parameterGroupName',
    ],
    [
      'a store is neither state nor cache',
      { into: 'redis-cache-group', change: { parent: 'redis-sessions' } },
      'redis-cache-group parent',
    ],
  ]),
];
