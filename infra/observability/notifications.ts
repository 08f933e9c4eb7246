import * as aws from '@pulumi/aws';
import { ComponentResource, jsonStringify, type ComponentResourceOptions, type Output } from '@pulumi/pulumi';
import { Key } from '../security/key.ts';

export interface NotificationsArgs {
  /** The account that owns the topic: twelve digits. */
  readonly accountId: string;
  /** Who is told; each address has to confirm once, by the letter that AWS sends. */
  readonly emails: readonly string[];
}

/** Services of AWS that tell something by themselves: alarms, budgets, anomalies of cost. */
const publishers = ['cloudwatch.amazonaws.com', 'budgets.amazonaws.com', 'costalerts.amazonaws.com'];

/**
 * The one topic to which everything is told that people must know, and the addresses that hear it.
 * Cost driver: the key, about one dollar a month.
 * Refuses nothing. It has a key of its own, because the platform's key must not be open to services that tell of bills.
 */
export class Notifications extends ComponentResource {
  readonly topicArn: Output<string>;
  readonly keyArn: Output<string>;

  constructor(name: string, args: NotificationsArgs, options?: ComponentResourceOptions) {
    super('orrery:observability:Notifications', name, {}, options);
    const { accountId } = args;
    const key = new Key(
      `${name}-key`,
      { description: 'Orrery: what people are told', accountId, servicePrincipals: publishers },
      { parent: this },
    );
    const topic = new aws.sns.Topic(`${name}-topic`, { kmsMasterKeyId: key.arn }, { parent: this });
    new aws.sns.TopicPolicy(
      `${name}-policy`,
      { arn: topic.arn, policy: topicPolicy(topic.arn, accountId) },
      { parent: this },
    );
    args.emails.forEach((endpoint, index) => {
      new aws.sns.TopicSubscription(
        `${name}-email-${index}`,
        { topic: topic.arn, protocol: 'email', endpoint },
        { parent: this },
      );
    });
    this.topicArn = topic.arn;
    this.keyArn = key.arn;
    this.registerOutputs({ topicArn: this.topicArn, keyArn: this.keyArn });
  }
}

/** Only services of AWS, and only on behalf of this account; roles of the account publish by their own policies. */
function topicPolicy(topicArn: Output<string>, accountId: string): Output<string> {
  return jsonStringify({
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'ServicesPublish',
        Effect: 'Allow',
        Principal: { Service: publishers },
        Action: 'sns:Publish',
        Resource: topicArn,
        Condition: { StringEquals: { 'aws:SourceAccount': accountId } },
      },
      {
        Sid: 'TlsOnly',
        Effect: 'Deny',
        Principal: '*',
        Action: 'sns:Publish',
        Resource: topicArn,
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      },
    ],
  });
}
