import type { Input } from '@pulumi/pulumi';

/** One CloudWatch alarm: it fires where the metric stays beyond the threshold for all its periods. */
export interface Alarm {
  /** Last part of the resource's name, for example `nat-0-ports`. */
  readonly name: string;
  /** File of docs/runbooks without its ending. */
  readonly runbook: string;
  readonly summary: string;
  readonly measure: Measure;
  readonly above: number;
  readonly periodSeconds: number;
  readonly periods: number;
}

/** A metric of one thing, or a query over all of a kind where their names are known to nobody beforehand. */
export type Measure =
  | {
      readonly kind: 'metric';
      readonly namespace: string;
      readonly metric: string;
      readonly statistic: 'Sum' | 'Average' | 'Maximum';
      readonly dimensions: Readonly<Record<string, Input<string>>>;
    }
  | { readonly kind: 'query'; readonly query: string };

/** What lies outside the cluster, so that Prometheus can't see it; whatever an environment lacks is left out. */
export interface Watched {
  readonly clusterName?: Input<string>;
  readonly natGatewayIds?: readonly Input<string>[];
  readonly redis?: readonly WatchedRedis[];
  readonly msk?: { readonly clusterName: Input<string>; readonly brokers: number };
  readonly queueName?: Input<string>;
  readonly tableNames?: readonly Input<string>[];
  /** Buckets whose requests are counted: each must have a metrics configuration of the same `filterId`. */
  readonly buckets?: readonly {
    readonly name: string;
    readonly bucketName: Input<string>;
    readonly filterId: string;
  }[];
  /** Whether load balancers stand before the cluster. */
  readonly loadBalancers?: boolean;
}

export interface WatchedRedis {
  readonly role: 'state' | 'cache';
  /** Ids of its members, `<group>-001` and so on: CloudWatch counts for each of them. */
  readonly memberIds: readonly Input<string>[];
}

const minute = 60;
const fiveMinutes = 300;

/** Every alarm of an environment, in an order that only its settings decide. */
export function planAlarms(watched: Watched): Alarm[] {
  return [
    ...(watched.clusterName === undefined ? [] : clusterAlarms(watched.clusterName)),
    ...(watched.natGatewayIds ?? []).flatMap(natAlarms),
    ...(watched.redis ?? []).flatMap(redisAlarms),
    ...(watched.msk === undefined ? [] : mskAlarms(watched.msk)),
    ...(watched.queueName === undefined ? [] : [queueAlarm(watched.queueName)]),
    ...(watched.tableNames ?? []).flatMap(tableAlarms),
    ...(watched.buckets ?? []).map(bucketAlarm),
    ...(watched.loadBalancers === true ? loadBalancerAlarms : []),
  ];
}

type Dimensions = Readonly<Record<string, Input<string>>>;

function metricOf(namespace: string, dimensions: Dimensions) {
  return (metric: string, statistic: 'Sum' | 'Average' | 'Maximum'): Measure => ({
    kind: 'metric',
    namespace,
    metric,
    statistic,
    dimensions,
  });
}

/** Steady: five minutes at a time, three times in a row. */
const steady = { periodSeconds: fiveMinutes, periods: 3 };

function clusterAlarms(clusterName: Input<string>): Alarm[] {
  const of = metricOf('AWS/EKS', { ClusterName: clusterName });
  return [
    {
      name: 'cluster-errors',
      runbook: 'cluster-api-errors',
      summary: 'The API of the cluster answers more than ten requests in five minutes by 5xx.',
      measure: of('apiserver_request_total_5XX', 'Sum'),
      above: 10,
      ...steady,
    },
    {
      name: 'cluster-throttled',
      runbook: 'cluster-api-errors',
      summary: 'The API of the cluster turns more than a hundred requests in five minutes away, by 429.',
      measure: of('apiserver_request_total_429', 'Sum'),
      above: 100,
      ...steady,
    },
    {
      name: 'cluster-unschedulable',
      runbook: 'pods-unschedulable',
      summary: 'Pods fit on no node, and no node comes.',
      measure: of('scheduler_pending_pods_UNSCHEDULABLE', 'Maximum'),
      above: 0,
      ...steady,
    },
  ];
}

function natAlarms(natGatewayId: Input<string>, index: number): Alarm[] {
  const of = metricOf('AWS/NATGateway', { NatGatewayId: natGatewayId });
  return [
    {
      name: `nat-${index}-ports`,
      runbook: 'nat-gateway-errors',
      summary: 'The NAT gateway finds no port for new connections to one destination.',
      measure: of('ErrorPortAllocation', 'Sum'),
      above: 0,
      ...steady,
    },
    {
      name: `nat-${index}-drops`,
      runbook: 'nat-gateway-errors',
      summary: 'The NAT gateway drops packets.',
      measure: of('PacketsDropCount', 'Sum'),
      above: 100,
      ...steady,
    },
  ];
}

function redisAlarms({ role, memberIds }: WatchedRedis): Alarm[] {
  return memberIds.flatMap((CacheClusterId, index) => {
    const of = metricOf('AWS/ElastiCache', { CacheClusterId });
    const name = `redis-${role}-${index}`;
    const state: Alarm[] = [
      {
        name: `${name}-memory`,
        runbook: 'queue-refuses',
        summary: 'The state Redis uses 80 % of its memory: queues refuse new work.',
        measure: of('DatabaseMemoryUsagePercentage', 'Maximum'),
        above: 80,
        ...steady,
      },
      {
        name: `${name}-evictions`,
        runbook: 'state-evicted',
        summary: 'The state Redis throws keys away: runs and sessions are lost.',
        measure: of('Evictions', 'Sum'),
        above: 0,
        periodSeconds: minute,
        periods: 1,
      },
    ];
    return [
      {
        name: `${name}-cpu`,
        runbook: 'redis-busy',
        summary: `The one thread of the ${role} Redis is busy nine tenths of the time.`,
        measure: of('EngineCPUUtilization', 'Average'),
        above: 90,
        ...steady,
      },
      {
        name: `${name}-lag`,
        runbook: 'redis-replica-lags',
        summary: `A replica of the ${role} Redis is more than half a minute behind: a failover would lose as much.`,
        measure: of('ReplicationLag', 'Maximum'),
        above: 30,
        ...steady,
      },
      ...(role === 'state' ? state : []),
    ];
  });
}

function mskAlarms({ clusterName, brokers }: { clusterName: Input<string>; brokers: number }): Alarm[] {
  return Array.from({ length: brokers }, (_, index) => {
    const broker = String(index + 1);
    const of = metricOf('AWS/Kafka', { 'Cluster Name': clusterName, 'Broker ID': broker });
    return [
      {
        name: `kafka-${broker}-copies`,
        runbook: 'kafka-under-replicated',
        summary: 'Partitions have fewer copies than they should.',
        measure: of('UnderReplicatedPartitions', 'Maximum'),
        above: 0,
        ...steady,
      },
      {
        name: `kafka-${broker}-disk`,
        runbook: 'kafka-disk-fills',
        summary: 'A broker has filled 80 % of its disk.',
        measure: of('KafkaDataLogsDiskUsed', 'Maximum'),
        above: 80,
        ...steady,
      },
    ];
  }).flat();
}

function queueAlarm(QueueName: Input<string>): Alarm {
  return {
    name: 'interruptions-age',
    runbook: 'interruptions-unread',
    summary: 'Nobody reads that nodes are about to be reclaimed: pods die without warning.',
    measure: metricOf('AWS/SQS', { QueueName })('ApproximateAgeOfOldestMessage', 'Maximum'),
    above: 120,
    periodSeconds: minute,
    periods: 3,
  };
}

function tableAlarms(TableName: Input<string>, index: number): Alarm[] {
  const of = metricOf('AWS/DynamoDB', { TableName });
  return (['ReadThrottleEvents', 'WriteThrottleEvents'] as const).map((metric) => ({
    name: `table-${index}-${metric === 'ReadThrottleEvents' ? 'reads' : 'writes'}`,
    runbook: 'table-throttled',
    summary: 'DynamoDB turns requests away.',
    measure: of(metric, 'Sum'),
    above: 0,
    ...steady,
  }));
}

function bucketAlarm({ name, bucketName, filterId }: NonNullable<Watched['buckets']>[number]): Alarm {
  const of = metricOf('AWS/S3', { BucketName: bucketName, FilterId: filterId });
  return {
    name: `${name}-errors`,
    runbook: 'bucket-errors',
    summary: 'S3 answers by 5xx, more than ten times in five minutes.',
    measure: of('5xxErrors', 'Sum'),
    above: 10,
    ...steady,
  };
}

/** The balancers are made by a controller in the cluster, under names that only it knows: one query covers all of them. */
const loadBalancerAlarms: readonly Alarm[] = [
  {
    name: 'balancer-errors',
    runbook: 'balancer-errors',
    summary: 'An application load balancer itself answers by 5xx, more than ten times in five minutes.',
    measure: {
      kind: 'query',
      query: 'SELECT SUM(HTTPCode_ELB_5XX_Count) FROM SCHEMA("AWS/ApplicationELB", LoadBalancer)',
    },
    above: 10,
    ...steady,
  },
  {
    name: 'balancer-target-errors',
    runbook: 'balancer-errors',
    summary: 'Services behind an application load balancer answer by 5xx, more than fifty times in five minutes.',
    measure: {
      kind: 'query',
      query: 'SELECT SUM(HTTPCode_Target_5XX_Count) FROM SCHEMA("AWS/ApplicationELB", LoadBalancer)',
    },
    above: 50,
    ...steady,
  },
  {
    name: 'balancer-slow',
    runbook: 'requests-slow',
    summary: 'Services behind an application load balancer take longer than a second on average.',
    measure: {
      kind: 'query',
      query: 'SELECT AVG(TargetResponseTime) FROM SCHEMA("AWS/ApplicationELB", LoadBalancer)',
    },
    above: 1,
    ...steady,
  },
  {
    name: 'balancer-unhealthy',
    runbook: 'balancer-errors',
    summary: 'A network load balancer sees unhealthy targets.',
    measure: {
      kind: 'query',
      query: 'SELECT MAX(UnHealthyHostCount) FROM SCHEMA("AWS/NetworkELB", LoadBalancer, TargetGroup)',
    },
    above: 0,
    ...steady,
  },
];
