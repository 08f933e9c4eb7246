import assert from 'node:assert/strict';
import { Spark } from '#infra/data/spark.ts';
import { outline, record, resourceNamed } from '#test/support/pulumi.ts';

function recordSpark() {
  return record(
    () =>
      new Spark('spark', {
        clusterName: 'orrery-dev',
        accountId: '111122223333',
        namespaceName: 'orrery-spark',
        roleName: 'JobExecutionRoleIRSAv2',
        policy: '{}',
      }),
  );
}

describe('a place for Spark jobs', () => {
  it('is a closed namespace, EMR’s way in, and a role for each part of a job', async () => {
    const recording = await recordSpark();
    assert.deepEqual(outline(recording), [
      'orrery:data:Spark spark',
      'kubernetes:rbac.authorization.k8s.io/v1:RoleBinding spark-binding < spark',
      'aws:eks/podIdentityAssociation:PodIdentityAssociation spark-client-identity < spark',
      'aws:emrcontainers/virtualCluster:VirtualCluster spark-cluster < spark',
      'kubernetes:networking.k8s.io/v1:NetworkPolicy spark-deny < spark',
      'aws:eks/podIdentityAssociation:PodIdentityAssociation spark-driver-identity < spark',
      'aws:iam/serviceLinkedRole:ServiceLinkedRole spark-emr < spark',
      'aws:eks/accessEntry:AccessEntry spark-entry < spark',
      'aws:eks/podIdentityAssociation:PodIdentityAssociation spark-executor-identity < spark',
      'kubernetes:core/v1:ResourceQuota spark-gpu-quota < spark',
      'kubernetes:networking.k8s.io/v1:NetworkPolicy spark-inside < spark',
      'kubernetes:core/v1:Namespace spark-namespace < spark',
      'kubernetes:networking.k8s.io/v1:NetworkPolicy spark-outwards < spark',
      'aws:iam/rolePolicy:RolePolicy spark-policy < spark',
      'kubernetes:rbac.authorization.k8s.io/v1:Role spark-rights < spark',
      'aws:iam/role:Role spark-role < spark',
    ]);
    assert.deepEqual([...recording.completed], ['spark']);
  });

  it('lets EMR into its namespace alone, before EMR looks', async () => {
    const recording = await recordSpark();
    assert.deepEqual(resourceNamed(recording, 'spark-entry').inputs, {
      clusterName: 'orrery-dev',
      principalArn: '${spark-emr.arn}',
      userName: 'emr-containers',
      type: 'STANDARD',
    });
    const { inputs } = resourceNamed(recording, 'spark-binding');
    assert.deepEqual(inputs['subjects'], [
      { kind: 'User', name: 'emr-containers', apiGroup: 'rbac.authorization.k8s.io' },
    ]);
    const { dependencies } = resourceNamed(recording, 'spark-cluster');
    assert.ok(['spark-entry', 'spark-binding'].every((name) => dependencies.includes(name)));
  });

  it('gives each part of a job the role, and nobody else', async () => {
    const { inputs } = resourceNamed(await recordSpark(), 'spark-driver-identity');
    assert.deepEqual(inputs, {
      clusterName: 'orrery-dev',
      namespace: 'orrery-spark',
      serviceAccount: 'emr-containers-sa-spark-driver-111122223333-c7ohmynrs14q04uudoef8n97xdufwajzua',
      roleArn: '${spark-role.arn}',
    });
  });

  it('keeps its namespace, under the level that EMR’s pods can meet', async () => {
    const namespace = resourceNamed(await recordSpark(), 'spark-namespace');
    assert.deepEqual([namespace.protect, namespace.retainOnDelete], [true, true]);
    const { labels } = namespace.inputs['metadata'] as { labels: Record<string, string> };
    assert.equal(labels['pod-security.kubernetes.io/enforce'], 'baseline');
  });
});
