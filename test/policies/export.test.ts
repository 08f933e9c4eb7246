import assert from 'node:assert/strict';
import { kubernetesObjects, kubernetesYaml } from '#policies/export/kubernetes-objects.ts';
import { terraformPlan } from '#policies/export/terraform-plan.ts';
import type { Graph } from '#policies/graph.ts';
import { recordPlatform } from '#test/support/cloud-platform.ts';
import { resource } from './exemplar.ts';

const store: Graph = {
  resources: [
    resource('aws:kms/key:Key', 'key', {}),
    resource('aws:s3/bucket:Bucket', 'store-bucket', { objectLockEnabled: true, tags: { 'cost-center': 'x' } }),
    resource('aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration', 'encryption', {
      bucket: '${store-bucket.bucket}',
      rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: 'aws:kms', kmsMasterKeyId: '${key.arn}' } }],
    }),
    resource('kubernetes:core/v1:ServiceAccount', 'scoring-account', { metadata: { namespace: 'orrery' } }),
    resource('kubernetes:apps/v1:Deployment', 'scoring', {
      metadata: { namespace: 'orrery' },
      spec: { template: { spec: { serviceAccountName: '${scoring-account.metadata.name}' } } },
    }),
    resource('kubernetes:helm.sh/v3:Release', 'keda', { chart: 'keda' }),
  ],
};

describe('a Terraform plan of a graph', () => {
  const plan = terraformPlan(store);
  const [, bucket, encryption] = plan.planned_values.root_module.resources;
  const configured = plan.configuration.root_module.resources[2];

  it('has AWS’s half alone, by Terraform’s names, and a person’s own keys as they are', () => {
    assert.equal(plan.planned_values.root_module.resources.length, 3);
    assert.equal(bucket?.address, 'aws_s3_bucket.store-bucket');
    assert.deepEqual(bucket.values, { object_lock_enabled: true, tags: { 'cost-center': 'x' } });
  });

  it('writes blocks as lists in the singular, and outputs as made-up ids, each its own', () => {
    assert.deepEqual(encryption?.values, {
      bucket: 'store-bucket',
      rule: [
        {
          apply_server_side_encryption_by_default: [
            { sse_algorithm: 'aws:kms', kms_master_key_id: 'arn:aws:orrery:eu-west-1:000000000000:key' },
          ],
        },
      ],
    });
  });

  it('names what is referred to, block by block', () => {
    assert.deepEqual(configured?.expressions['bucket'], {
      references: ['aws_s3_bucket.store-bucket.bucket', 'aws_s3_bucket.store-bucket'],
    });
    assert.deepEqual(configured.expressions['rule'], [
      {
        apply_server_side_encryption_by_default: [
          {
            sse_algorithm: { constant_value: 'aws:kms' },
            kms_master_key_id: { references: ['aws_kms_key.key.arn', 'aws_kms_key.key'] },
          },
        ],
      },
    ]);
  });

  it('refuses a type that no judge would see, and names the table to extend', () => {
    const graph = { resources: [resource('aws:quantum/ledger:Ledger', 'ledger', {})] };
    assert.throws(() => terraformPlan(graph), /aws:quantum\/ledger:Ledger.*policies\/export\/terraform-types\.ts/);
  });

  for (const environment of ['dev', 'prod']) {
    it(`has a name for every type of ${environment}`, async () => {
      terraformPlan(await recordPlatform(environment));
    });
  }
});

describe('Kubernetes objects of a graph', () => {
  it('have names where Pulumi would make them, and say them where they are referred to', () => {
    assert.deepEqual(kubernetesObjects(store), [
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'scoring-account', namespace: 'orrery' } },
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'scoring', namespace: 'orrery' },
        spec: { template: { spec: { serviceAccountName: 'scoring-account' } } },
      },
    ]);
  });

  it('are a stream of YAML documents', () => {
    assert.match(
      kubernetesYaml(store),
      /^---\napiVersion: v1\nkind: ServiceAccount\n[^]*\n---\napiVersion: apps\/v1\n/,
    );
  });
});
