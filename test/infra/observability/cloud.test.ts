import assert from 'node:assert/strict';
import { Alarms } from '#infra/observability/alarms.ts';
import { Budgets } from '#infra/observability/budgets.ts';
import { Notifications } from '#infra/observability/notifications.ts';
import { outline, record, resourceNamed } from '#test/support/pulumi.ts';

describe('the topic that people are told by', () => {
  const recordTopic = () =>
    record(() => new Notifications('told', { accountId: '111111111111', emails: ['a@example.com', 'b@example.com'] }));

  it('has a key of its own, and each address', async () => {
    const recording = await recordTopic();
    assert.deepEqual(outline(recording), [
      'orrery:observability:Notifications told',
      'aws:sns/topicSubscription:TopicSubscription told-email-0 < told',
      'aws:sns/topicSubscription:TopicSubscription told-email-1 < told',
      'orrery:security:Key told-key < told',
      'aws:kms/key:Key told-key-key < told-key',
      'aws:sns/topicPolicy:TopicPolicy told-policy < told',
      'aws:sns/topic:Topic told-topic < told',
    ]);
    assert.deepEqual(resourceNamed(recording, 'told-topic').inputs, { kmsMasterKeyId: '${told-key-key.arn}' });
    assert.deepEqual(resourceNamed(recording, 'told-email-1').inputs, {
      topic: '${told-topic.arn}',
      protocol: 'email',
      endpoint: 'b@example.com',
    });
  });

  it('takes messages from services of AWS on behalf of this account, over TLS', async () => {
    const { inputs } = resourceNamed(await recordTopic(), 'told-policy');
    assert.deepEqual(JSON.parse(String(inputs['policy'])), {
      Version: '2012-10-17',
      Statement: [
        {
          Sid: 'ServicesPublish',
          Effect: 'Allow',
          Principal: {
            Service: ['cloudwatch.amazonaws.com', 'budgets.amazonaws.com', 'costalerts.amazonaws.com'],
          },
          Action: 'sns:Publish',
          Resource: '${told-topic.arn}',
          Condition: { StringEquals: { 'aws:SourceAccount': '111111111111' } },
        },
        {
          Sid: 'TlsOnly',
          Effect: 'Deny',
          Principal: '*',
          Action: 'sns:Publish',
          Resource: '${told-topic.arn}',
          Condition: { Bool: { 'aws:SecureTransport': 'false' } },
        },
      ],
    });
  });
});

describe('the budget of an account', () => {
  it('is told by mail and topic at each share, and anomalies at once', async () => {
    const recording = await record(
      () => new Budgets('budget', { monthlyUsd: 400, emails: ['a@example.com'], topicArn: 'arn:aws:sns:::told' }),
    );
    assert.deepEqual(outline(recording), [
      'orrery:observability:Budgets budget',
      'aws:costexplorer/anomalyMonitor:AnomalyMonitor budget-anomalies < budget',
      'aws:budgets/budget:Budget budget-month < budget',
      'aws:costexplorer/anomalySubscription:AnomalySubscription budget-subscription < budget',
    ]);
    const notice = (threshold: number, notificationType: string) => ({
      comparisonOperator: 'GREATER_THAN',
      threshold,
      thresholdType: 'PERCENTAGE',
      notificationType,
      subscriberEmailAddresses: ['a@example.com'],
      subscriberSnsTopicArns: ['arn:aws:sns:::told'],
    });
    assert.deepEqual(resourceNamed(recording, 'budget-month').inputs, {
      budgetType: 'COST',
      timeUnit: 'MONTHLY',
      limitAmount: '400',
      limitUnit: 'USD',
      notifications: [notice(50, 'ACTUAL'), notice(80, 'ACTUAL'), notice(100, 'ACTUAL'), notice(100, 'FORECASTED')],
    });
    assert.deepEqual(resourceNamed(recording, 'budget-subscription').inputs, {
      frequency: 'IMMEDIATE',
      monitorArnLists: ['${budget-anomalies.arn}'],
      subscribers: [{ type: 'SNS', address: 'arn:aws:sns:::told' }],
      thresholdExpression: {
        dimension: {
          key: 'ANOMALY_TOTAL_IMPACT_ABSOLUTE',
          matchOptions: ['GREATER_THAN_OR_EQUAL'],
          values: ['10'],
        },
      },
    });
    assert.deepEqual([...recording.completed], ['budget']);
  });
});

describe('alarms', () => {
  const recordAlarms = () =>
    record(
      () =>
        new Alarms('alarms', {
          watched: {
            queueName: 'interruptions',
            buckets: [{ name: 'store', bucketName: 'orrery-store', filterId: 'all' }],
            loadBalancers: true,
          },
          topicArn: 'arn:aws:sns:::told',
          runbooksUrl: 'https://git.example.com/runbooks',
        }),
    );

  it('stand one for each thing that is watched, and buckets count their requests', async () => {
    const recording = await recordAlarms();
    assert.deepEqual(outline(recording), [
      'orrery:observability:Alarms alarms',
      'aws:cloudwatch/metricAlarm:MetricAlarm alarms-balancer-errors < alarms',
      'aws:cloudwatch/metricAlarm:MetricAlarm alarms-balancer-slow < alarms',
      'aws:cloudwatch/metricAlarm:MetricAlarm alarms-balancer-target-errors < alarms',
      'aws:cloudwatch/metricAlarm:MetricAlarm alarms-balancer-unhealthy < alarms',
      'aws:cloudwatch/metricAlarm:MetricAlarm alarms-interruptions-age < alarms',
      'aws:cloudwatch/metricAlarm:MetricAlarm alarms-store-errors < alarms',
      'aws:s3/bucketMetric:BucketMetric alarms-store-requests < alarms',
    ]);
    assert.deepEqual(resourceNamed(recording, 'alarms-store-requests').inputs, {
      bucket: 'orrery-store',
      name: 'all',
    });
  });

  it('name their runbook, tell beginning and end, and take silence for health', async () => {
    const { inputs } = resourceNamed(await recordAlarms(), 'alarms-interruptions-age');
    assert.deepEqual(inputs, {
      alarmDescription:
        'Nobody reads that nodes are about to be reclaimed: pods die without warning. https://git.example.com/runbooks/interruptions-unread.md',
      namespace: 'AWS/SQS',
      metricName: 'ApproximateAgeOfOldestMessage',
      statistic: 'Maximum',
      dimensions: { QueueName: 'interruptions' },
      period: 60,
      comparisonOperator: 'GreaterThanThreshold',
      threshold: 120,
      evaluationPeriods: 3,
      treatMissingData: 'notBreaching',
      alarmActions: ['arn:aws:sns:::told'],
      okActions: ['arn:aws:sns:::told'],
    });
  });

  it('ask CloudWatch one question over all balancers', async () => {
    const { inputs } = resourceNamed(await recordAlarms(), 'alarms-balancer-errors');
    assert.deepEqual(inputs['metricQueries'], [
      {
        id: 'all',
        expression: 'SELECT SUM(HTTPCode_ELB_5XX_Count) FROM SCHEMA("AWS/ApplicationELB", LoadBalancer)',
        period: 300,
        returnData: true,
      },
    ]);
    assert.equal('metricName' in inputs, false);
  });
});
