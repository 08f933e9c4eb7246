import * as aws from '@pulumi/aws';
import { jsonStringify, type ComponentResource, type Input } from '@pulumi/pulumi';
import { allow } from '../planning/iam.ts';

export interface FlowLogsRequest {
  readonly vpcId: Input<string>;
  /** Twelve digits: only logs of this account's networks are taken. */
  readonly accountId: string;
  readonly keyArn: Input<string>;
  /** `ALL` traffic, or what was turned away alone, `REJECT`. */
  readonly traffic: 'ALL' | 'REJECT';
  /** One of CloudWatch's steps, for example 30 or 365. */
  readonly retentionDays: number;
}

/** Seconds that flows are gathered before they are written. */
const aggregationSeconds = 600;

/** Who spoke to whom in a network, kept encrypted, as children of a component: `<name>-flow-logs` and what it takes to write it. */
export function createFlowLogs(parent: ComponentResource, name: string, request: FlowLogsRequest): void {
  const { vpcId, accountId, keyArn, traffic, retentionDays } = request;
  const group = new aws.cloudwatch.LogGroup(
    `${name}-flows`,
    { retentionInDays: retentionDays, kmsKeyId: keyArn },
    { parent },
  );
  const role = new aws.iam.Role(`${name}-flows-role`, { assumeRolePolicy: writerOf(accountId) }, { parent });
  const policy = new aws.iam.RolePolicy(
    `${name}-flows-policy`,
    {
      role: role.name,
      policy: allow({
        actions: ['logs:CreateLogStream', 'logs:PutLogEvents', 'logs:DescribeLogGroups', 'logs:DescribeLogStreams'],
        resources: [group.arn, group.arn.apply((arn) => `${arn}:*`)],
      }),
    },
    { parent },
  );
  new aws.ec2.FlowLog(
    `${name}-flow-logs`,
    {
      vpcId,
      trafficType: traffic,
      logDestinationType: 'cloud-watch-logs',
      logDestination: group.arn,
      iamRoleArn: role.arn,
      maxAggregationInterval: aggregationSeconds,
      tags: { Name: name },
    },
    { parent, dependsOn: [policy] },
  );
}

/** AWS's own service, on behalf of this account alone: nobody else's flow logs are written with the role. */
function writerOf(accountId: string) {
  return jsonStringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { Service: 'vpc-flow-logs.amazonaws.com' },
        Action: 'sts:AssumeRole',
        Condition: { StringEquals: { 'aws:SourceAccount': accountId } },
      },
    ],
  });
}
