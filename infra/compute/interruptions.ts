import * as aws from '@pulumi/aws';
import { jsonStringify, type ComponentResource, type Output } from '@pulumi/pulumi';

export interface Interruptions {
  readonly queueName: Output<string>;
  readonly queueArn: Output<string>;
}

/** What AWS tells about an instance before it takes it away, and its place in a name. */
const warnings = [
  ['spot-interruption', 'aws.ec2', 'EC2 Spot Instance Interruption Warning'],
  ['rebalance', 'aws.ec2', 'EC2 Instance Rebalance Recommendation'],
  ['state-change', 'aws.ec2', 'EC2 Instance State-change Notification'],
  ['health', 'aws.health', 'AWS Health Event'],
] as const;

/** A warning that is five minutes old is about an instance that has gone. */
const retentionSeconds = 300;

/**
 * The queue by which Karpenter learns two minutes ahead that a node will be taken, as children of a component. AWS alone writes to
 * it, by these rules, and nobody speaks to it without TLS.
 */
export function createInterruptions(parent: ComponentResource, name: string): Interruptions {
  const queue = new aws.sqs.Queue(
    `${name}-interruptions`,
    { messageRetentionSeconds: retentionSeconds, sqsManagedSseEnabled: true },
    { parent },
  );
  const rules = warnings.map(([role, source, detailType]) => ({
    role: `${name}-on-${role}`,
    rule: new aws.cloudwatch.EventRule(
      `${name}-on-${role}`,
      {
        description: `${detailType}, for Karpenter`,
        eventPattern: JSON.stringify({ source: [source], 'detail-type': [detailType] }),
      },
      { parent },
    ),
  }));
  const ruleArns = rules.map(({ rule }) => rule.arn);
  const policy = new aws.sqs.QueuePolicy(
    `${name}-interruptions-policy`,
    { queueUrl: queue.url, policy: queuePolicy(queue.arn, ruleArns) },
    { parent },
  );
  for (const { role, rule } of rules) {
    new aws.cloudwatch.EventTarget(
      `${role}-target`,
      { rule: rule.name, arn: queue.arn },
      { parent, dependsOn: [policy] },
    );
  }
  return { queueName: queue.name, queueArn: queue.arn };
}

function queuePolicy(queueArn: Output<string>, ruleArns: readonly Output<string>[]): Output<string> {
  return jsonStringify({
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'EventsWrite',
        Effect: 'Allow',
        Principal: { Service: 'events.amazonaws.com' },
        Action: 'sqs:SendMessage',
        Resource: queueArn,
        Condition: { ArnEquals: { 'aws:SourceArn': ruleArns } },
      },
      {
        Sid: 'OnlyByTls',
        Effect: 'Deny',
        Principal: '*',
        Action: 'sqs:*',
        Resource: queueArn,
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      },
    ],
  });
}
