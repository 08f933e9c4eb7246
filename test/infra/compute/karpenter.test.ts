import assert from 'node:assert/strict';
import { Provider as Aws } from '@pulumi/aws';
import { Provider as Kubernetes } from '@pulumi/kubernetes';
import { Karpenter, type KarpenterArgs } from '#infra/compute/karpenter.ts';
import { outline, record, resourceNamed, resourcesOfType, type Recording } from '#test/support/pulumi.ts';

const args: KarpenterArgs = {
  clusterName: 'orrery-test',
  region: 'eu-west-1',
  accountId: '111122223333',
  namespace: 'orrery-system',
  isolated: false,
  sharesGpus: false,
  after: [],
};

function recordKarpenter(over: Partial<KarpenterArgs> = {}) {
  return record(() => {
    const providers = { aws: new Aws('aws', { region: 'eu-west-1' }), kubernetes: new Kubernetes('kubernetes', {}) };
    return new Karpenter('karpenter', { ...args, ...over }, { providers });
  });
}

interface Policy {
  readonly Statement: readonly Record<string, unknown>[];
}

function policyOf(recording: Recording<unknown>, name: string): Policy {
  return JSON.parse(String(resourceNamed(recording, name).inputs['policy'])) as Policy;
}

describe('Karpenter', () => {
  it('is a controller, its definitions, its nodes’ role, and the queue that warns of nodes that AWS takes', async () => {
    const recording = await recordKarpenter();
    assert.deepEqual(outline({ resources: recording.resources.filter(({ type }) => !type.startsWith('pulumi:')) }), [
      'orrery:compute:Karpenter karpenter',
      'kubernetes:helm.sh/v3:Release karpenter-chart < karpenter',
      'aws:eks/podIdentityAssociation:PodIdentityAssociation karpenter-controller-identity < karpenter',
      'aws:iam/rolePolicy:RolePolicy karpenter-controller-policy < karpenter',
      'aws:iam/role:Role karpenter-controller-role < karpenter',
      'kubernetes:helm.sh/v3:Release karpenter-definitions < karpenter',
      'aws:sqs/queue:Queue karpenter-interruptions < karpenter',
      'aws:sqs/queuePolicy:QueuePolicy karpenter-interruptions-policy < karpenter',
      'aws:iam/rolePolicyAttachment:RolePolicyAttachment karpenter-node-AmazonEC2ContainerRegistryPullOnly < karpenter',
      'aws:iam/rolePolicyAttachment:RolePolicyAttachment karpenter-node-AmazonEKSWorkerNodePolicy < karpenter',
      'aws:eks/accessEntry:AccessEntry karpenter-node-access < karpenter',
      'aws:iam/instanceProfile:InstanceProfile karpenter-node-profile < karpenter',
      'aws:iam/role:Role karpenter-node-role < karpenter',
      'aws:cloudwatch/eventRule:EventRule karpenter-on-health < karpenter',
      'aws:cloudwatch/eventTarget:EventTarget karpenter-on-health-target < karpenter',
      'aws:cloudwatch/eventRule:EventRule karpenter-on-rebalance < karpenter',
      'aws:cloudwatch/eventTarget:EventTarget karpenter-on-rebalance-target < karpenter',
      'aws:cloudwatch/eventRule:EventRule karpenter-on-spot-interruption < karpenter',
      'aws:cloudwatch/eventTarget:EventTarget karpenter-on-spot-interruption-target < karpenter',
      'aws:cloudwatch/eventRule:EventRule karpenter-on-state-change < karpenter',
      'aws:cloudwatch/eventTarget:EventTarget karpenter-on-state-change-target < karpenter',
    ]);
    assert.deepEqual([...recording.completed], ['karpenter']);
  });

  it('runs on the system pool, repairs nodes and listens to the queue', async () => {
    const { inputs } = resourceNamed(await recordKarpenter(), 'karpenter-chart');
    assert.equal(inputs['namespace'], 'orrery-system');
    assert.equal(inputs['chart'], 'oci://public.ecr.aws/karpenter/karpenter');
    assert.deepEqual(inputs['values'], {
      replicas: 2,
      serviceAccount: { create: true, name: 'karpenter' },
      settings: {
        clusterName: 'orrery-test',
        interruptionQueue: '${karpenter-interruptions.name}',
        eksControlPlane: true,
        isolatedVPC: false,
        featureGates: { nodeRepair: true, nodeOverlay: false },
      },
      nodeSelector: { 'kubernetes.io/os': 'linux', 'orrery.dev/pool': 'system' },
      tolerations: [{ key: 'CriticalAddonsOnly', operator: 'Exists' }],
      controller: { resources: { requests: { cpu: '250m', memory: '512Mi' }, limits: { memory: '1Gi' } } },
    });
  });

  it('asks for no prices where it can not reach them, and counts shares where GPUs have some', async () => {
    const { inputs } = resourceNamed(await recordKarpenter({ isolated: true, sharesGpus: true }), 'karpenter-chart');
    const { settings } = inputs['values'] as { settings: Record<string, unknown> };
    assert.equal(settings['isolatedVPC'], true);
    assert.deepEqual(settings['featureGates'], { nodeRepair: true, nodeOverlay: true });
  });

  it('starts only once its definitions, its rights and its nodes’ way in are there', async () => {
    const { dependencies } = resourceNamed(await recordKarpenter(), 'karpenter-chart');
    for (const first of [
      'karpenter-definitions',
      'karpenter-controller-policy',
      'karpenter-controller-identity',
      'karpenter-node-access',
      'karpenter-node-AmazonEKSWorkerNodePolicy',
    ]) {
      assert.ok(dependencies.includes(first), first);
    }
  });

  it('is itself alone in its account, and lets its nodes join and pull', async () => {
    const recording = await recordKarpenter();
    const { namespace, serviceAccount } = resourceNamed(recording, 'karpenter-controller-identity').inputs;
    assert.deepEqual([namespace, serviceAccount], ['orrery-system', 'karpenter']);
    assert.deepEqual(resourceNamed(recording, 'karpenter-node-access').inputs, {
      clusterName: 'orrery-test',
      principalArn: '${karpenter-node-role.arn}',
      type: 'EC2_LINUX',
    });
    const passed = policyOf(recording, 'karpenter-controller-policy').Statement.find(
      ({ Action }) => String(Action) === 'iam:PassRole',
    );
    assert.deepEqual(passed?.['Resource'], ['${karpenter-node-role.arn}']);
  });

  it('has a queue that AWS alone writes to, by its rules, and nobody without TLS', async () => {
    const recording = await recordKarpenter();
    assert.deepEqual(resourceNamed(recording, 'karpenter-interruptions').inputs, {
      messageRetentionSeconds: 300,
      sqsManagedSseEnabled: true,
    });
    assert.deepEqual(policyOf(recording, 'karpenter-interruptions-policy').Statement, [
      {
        Sid: 'EventsWrite',
        Effect: 'Allow',
        Principal: { Service: 'events.amazonaws.com' },
        Action: 'sqs:SendMessage',
        Resource: '${karpenter-interruptions.arn}',
        Condition: {
          ArnEquals: {
            'aws:SourceArn': [
              '${karpenter-on-spot-interruption.arn}',
              '${karpenter-on-rebalance.arn}',
              '${karpenter-on-state-change.arn}',
              '${karpenter-on-health.arn}',
            ],
          },
        },
      },
      {
        Sid: 'OnlyByTls',
        Effect: 'Deny',
        Principal: '*',
        Action: 'sqs:*',
        Resource: '${karpenter-interruptions.arn}',
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      },
    ]);
  });

  it('hears of reclaimed spot instances, of those at risk, of those that stop, and of failing hardware', async () => {
    const recording = await recordKarpenter();
    const patterns = resourcesOfType(recording, 'aws:cloudwatch/eventRule:EventRule').map(
      ({ inputs }) => JSON.parse(String(inputs['eventPattern'])) as Record<string, string[]>,
    );
    assert.deepEqual(patterns.map((pattern) => [pattern['source']?.[0], pattern['detail-type']?.[0]]).sort(), [
      ['aws.ec2', 'EC2 Instance Rebalance Recommendation'],
      ['aws.ec2', 'EC2 Instance State-change Notification'],
      ['aws.ec2', 'EC2 Spot Instance Interruption Warning'],
      ['aws.health', 'AWS Health Event'],
    ]);
    for (const { inputs, dependencies } of resourcesOfType(recording, 'aws:cloudwatch/eventTarget:EventTarget')) {
      assert.equal(inputs['arn'], '${karpenter-interruptions.arn}');
      assert.ok(dependencies.includes('karpenter-interruptions-policy'));
    }
  });

  it('is bent where a user has a reason', async () => {
    const recording = await recordKarpenter({ transform: { values: (values) => ({ ...values, replicas: 3 }) } });
    assert.equal((resourceNamed(recording, 'karpenter-chart').inputs['values'] as { replicas: number }).replicas, 3);
  });
});
