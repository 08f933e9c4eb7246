import { valuesAt } from '#policies/graph.ts';
import { charged, fixed, metered, type ChargingRules } from './charging.ts';

/** Metrics that S3 sends of each filter, as if there were requests of every kind. (S3's list of request metrics.) */
const requestMetrics = 16;

export const observabilityCharges: ChargingRules = {
  // By the metric that it looks at, not by the alarm.
  'aws:cloudwatch/metricAlarm:MetricAlarm': ({ inputs }, { region }) =>
    charged(fixed(`cloudwatch:${region}:alarm`, Math.max(1, valuesAt(inputs, 'metricQueries[].metric').length))),
  'aws:s3/bucketMetric:BucketMetric': (_, { region }) => charged(fixed(`cloudwatch:${region}:metric`, requestMetrics)),
  'aws:sns/topic:Topic': (_, { region }) => metered(`sns:${region}:mail`),
};
