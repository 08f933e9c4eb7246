import { charged, fixed, metered, type ChargingRules } from './charging.ts';

/** What stands behind the nodes: the control plane, keys, logs. */
export const clusterCharges: ChargingRules = {
  'aws:eks/cluster:Cluster': () => charged(fixed('aws:eks/cluster')),
  'aws:kms/key:Key': (_, { region }) => ({
    charges: [fixed(`kms:${region}:key`)],
    byUse: [`kms:${region}:requests`],
  }),
  'aws:cloudwatch/logGroup:LogGroup': (_, { region }) => metered(`logs:${region}:ingest`, `logs:${region}:storage`),
  'aws:sqs/queue:Queue': (_, { region }) => metered(`sqs:${region}:requests`),
  'aws:secretsmanager/secret:Secret': (_, { region }) => charged(fixed(`secretsmanager:${region}:secret`)),
};
