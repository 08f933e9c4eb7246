import * as aws from '@pulumi/aws';
import { ComponentResource, type ComponentResourceOptions, type Input } from '@pulumi/pulumi';
import { planAlarms, type Alarm, type Watched } from '../planning/observability/alarms.ts';

export interface AlarmsArgs {
  /** What lies outside the cluster; whatever an environment lacks is left out. */
  readonly watched: Watched;
  /** Who is told, when it begins and when it is over. */
  readonly topicArn: Input<string>;
  /** Where the runbooks lie, `https://…` without a slash at the end. */
  readonly runbooksUrl: string;
}

/**
 * CloudWatch alarms on what lies outside the cluster, each with its runbook in the description; buckets are made to count requests.
 * Cost driver: ten cents a month for each alarm, and a bucket's request metrics.
 * Refuses nothing. Where nothing is measured nothing is wrong: a NAT gateway without traffic tells no metric.
 */
export class Alarms extends ComponentResource {
  constructor(name: string, args: AlarmsArgs, options?: ComponentResourceOptions) {
    super('orrery:observability:Alarms', name, {}, options);
    for (const bucket of args.watched.buckets ?? []) {
      new aws.s3.BucketMetric(
        `${name}-${bucket.name}-requests`,
        { bucket: bucket.bucketName, name: bucket.filterId },
        { parent: this },
      );
    }
    for (const alarm of planAlarms(args.watched)) {
      new aws.cloudwatch.MetricAlarm(`${name}-${alarm.name}`, alarmArgs(alarm, args), { parent: this });
    }
    this.registerOutputs({});
  }
}

function alarmArgs(alarm: Alarm, { topicArn, runbooksUrl }: AlarmsArgs): aws.cloudwatch.MetricAlarmArgs {
  return {
    alarmDescription: `${alarm.summary} ${runbooksUrl}/${alarm.runbook}.md`,
    ...measured(alarm),
    comparisonOperator: 'GreaterThanThreshold',
    threshold: alarm.above,
    evaluationPeriods: alarm.periods,
    treatMissingData: 'notBreaching',
    alarmActions: [topicArn],
    okActions: [topicArn],
  };
}

function measured({ measure, periodSeconds }: Alarm): Partial<aws.cloudwatch.MetricAlarmArgs> {
  if (measure.kind === 'query') {
    return {
      metricQueries: [{ id: 'all', expression: measure.query, period: periodSeconds, returnData: true }],
    };
  }
  const { namespace, metric, statistic, dimensions } = measure;
  return { namespace, metricName: metric, statistic, dimensions: { ...dimensions }, period: periodSeconds };
}
