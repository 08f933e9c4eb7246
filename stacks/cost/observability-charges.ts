import { charged, fixed, metered, type ChargingRules } from './charging.ts';

export const observabilityCharges: ChargingRules = {
  'aws:cloudwatch/metricAlarm:MetricAlarm': (_, { region }) => charged(fixed(`cloudwatch:${region}:alarm`)),
  'aws:sns/topic:Topic': (_, { region }) => metered(`sns:${region}:mail`),
};
