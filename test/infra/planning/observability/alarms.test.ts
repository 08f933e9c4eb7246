import assert from 'node:assert/strict';
import { planAlarms } from '#infra/planning/observability/alarms.ts';

const outlineOf = (alarms: ReturnType<typeof planAlarms>) =>
  alarms.map(({ name, measure, above, periodSeconds, periods }) => {
    const what =
      measure.kind === 'query' ? measure.query : `${measure.namespace} ${measure.metric} ${measure.statistic}`;
    return `${name}: ${what} > ${above}, ${periods} x ${periodSeconds} s`;
  });

describe('alarms on what lies outside the cluster', () => {
  it('watch nothing where there is nothing', () => {
    assert.deepEqual(planAlarms({}), []);
  });

  it('watch the API of the cluster and pods that fit nowhere', () => {
    const alarms = planAlarms({ clusterName: 'orrery-dev' });
    assert.deepEqual(outlineOf(alarms), [
      'cluster-errors: AWS/EKS apiserver_request_total_5XX Sum > 10, 3 x 300 s',
      'cluster-throttled: AWS/EKS apiserver_request_total_429 Sum > 100, 3 x 300 s',
      'cluster-unschedulable: AWS/EKS scheduler_pending_pods_UNSCHEDULABLE Maximum > 0, 3 x 300 s',
    ]);
    assert.deepEqual(alarms[0]?.measure, {
      kind: 'metric',
      namespace: 'AWS/EKS',
      metric: 'apiserver_request_total_5XX',
      statistic: 'Sum',
      dimensions: { ClusterName: 'orrery-dev' },
    });
  });

  it('watch each NAT gateway for ports and drops', () => {
    assert.deepEqual(outlineOf(planAlarms({ natGatewayIds: ['nat-a', 'nat-b'] })), [
      'nat-0-ports: AWS/NATGateway ErrorPortAllocation Sum > 0, 3 x 300 s',
      'nat-0-drops: AWS/NATGateway PacketsDropCount Sum > 100, 3 x 300 s',
      'nat-1-ports: AWS/NATGateway ErrorPortAllocation Sum > 0, 3 x 300 s',
      'nat-1-drops: AWS/NATGateway PacketsDropCount Sum > 100, 3 x 300 s',
    ]);
  });

  it('let a cache evict and be full, and state neither', () => {
    const redis = (role: 'state' | 'cache') => outlineOf(planAlarms({ redis: [{ role, memberIds: ['group-001'] }] }));
    assert.deepEqual(redis('cache'), [
      'redis-cache-0-cpu: AWS/ElastiCache EngineCPUUtilization Average > 90, 3 x 300 s',
      'redis-cache-0-lag: AWS/ElastiCache ReplicationLag Maximum > 30, 3 x 300 s',
    ]);
    assert.deepEqual(redis('state').slice(2), [
      'redis-state-0-memory: AWS/ElastiCache DatabaseMemoryUsagePercentage Maximum > 80, 3 x 300 s',
      'redis-state-0-evictions: AWS/ElastiCache Evictions Sum > 0, 1 x 60 s',
    ]);
  });

  it('watch every broker, counted from one as AWS counts them', () => {
    const alarms = planAlarms({ msk: { clusterName: 'bus', brokers: 2 } });
    assert.deepEqual(outlineOf(alarms), [
      'kafka-1-copies: AWS/Kafka UnderReplicatedPartitions Maximum > 0, 3 x 300 s',
      'kafka-1-disk: AWS/Kafka KafkaDataLogsDiskUsed Maximum > 80, 3 x 300 s',
      'kafka-2-copies: AWS/Kafka UnderReplicatedPartitions Maximum > 0, 3 x 300 s',
      'kafka-2-disk: AWS/Kafka KafkaDataLogsDiskUsed Maximum > 80, 3 x 300 s',
    ]);
    assert.deepEqual(alarms[3]?.measure, {
      kind: 'metric',
      namespace: 'AWS/Kafka',
      metric: 'KafkaDataLogsDiskUsed',
      statistic: 'Maximum',
      dimensions: { 'Cluster Name': 'bus', 'Broker ID': '2' },
    });
  });

  it('watch the queue of interruptions, tables and buckets', () => {
    const alarms = planAlarms({
      queueName: 'interruptions',
      tableNames: ['models'],
      buckets: [{ name: 'store', bucketName: 'orrery-store', filterId: 'all' }],
    });
    assert.deepEqual(outlineOf(alarms), [
      'interruptions-age: AWS/SQS ApproximateAgeOfOldestMessage Maximum > 120, 3 x 60 s',
      'table-0-reads: AWS/DynamoDB ReadThrottleEvents Sum > 0, 3 x 300 s',
      'table-0-writes: AWS/DynamoDB WriteThrottleEvents Sum > 0, 3 x 300 s',
      'store-errors: AWS/S3 5xxErrors Sum > 10, 3 x 300 s',
    ]);
    const dimensions = alarms.map(({ measure }) => (measure.kind === 'metric' ? measure.dimensions : {}));
    assert.deepEqual(dimensions, [
      { QueueName: 'interruptions' },
      { TableName: 'models' },
      { TableName: 'models' },
      { BucketName: 'orrery-store', FilterId: 'all' },
    ]);
  });

  it('watch load balancers whose names nobody knows by one query each', () => {
    assert.deepEqual(outlineOf(planAlarms({ loadBalancers: true })), [
      'balancer-errors: SELECT SUM(HTTPCode_ELB_5XX_Count) FROM SCHEMA("AWS/ApplicationELB", LoadBalancer) > 10, 3 x 300 s',
      'balancer-target-errors: SELECT SUM(HTTPCode_Target_5XX_Count) FROM SCHEMA("AWS/ApplicationELB", LoadBalancer) > 50, 3 x 300 s',
      'balancer-slow: SELECT AVG(TargetResponseTime) FROM SCHEMA("AWS/ApplicationELB", LoadBalancer) > 1, 3 x 300 s',
      'balancer-unhealthy: SELECT MAX(UnHealthyHostCount) FROM SCHEMA("AWS/NetworkELB", LoadBalancer, TargetGroup) > 0, 3 x 300 s',
    ]);
    assert.deepEqual(planAlarms({ loadBalancers: false }), []);
  });
});
