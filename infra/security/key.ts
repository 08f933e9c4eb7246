import * as aws from '@pulumi/aws';
import { ComponentResource, jsonStringify, type ComponentResourceOptions, type Output } from '@pulumi/pulumi';
import { stateful } from '../planning/stateful.ts';

export interface KeyArgs {
  /** What the key encrypts, in a person's words. */
  readonly description: string;
  /** The account that owns it: twelve digits. Its IAM policies then say who may use the key. */
  readonly accountId: string;
  /** AWS services that use the key on their own behalf, for example `logs.eu-west-1.amazonaws.com`. Default none. */
  readonly servicePrincipals?: readonly string[];
}

/**
 * A customer-managed KMS key that rotates every year and takes 30 days to be deleted, in which it can still be saved.
 * Cost driver: about one dollar a month, and requests.
 * Refuses nothing: losing the key is losing the data, so it is protected like data.
 */
export class Key extends ComponentResource {
  readonly arn: Output<string>;

  constructor(name: string, args: KeyArgs, options?: ComponentResourceOptions) {
    super('orrery:security:Key', name, {}, options);
    const key = new aws.kms.Key(
      `${name}-key`,
      {
        description: args.description,
        enableKeyRotation: true,
        deletionWindowInDays: 30,
        policy: keyPolicy(args),
      },
      stateful({ parent: this }),
    );
    this.arn = key.arn;
    this.registerOutputs({ arn: this.arn });
  }
}

/** In a key's own policy `*` means this key, the only resource that the policy can speak of. */
function keyPolicy({ accountId, servicePrincipals = [] }: KeyArgs): Output<string> {
  const owner = {
    Sid: 'AccountDecidesByIam',
    Effect: 'Allow',
    Principal: { AWS: `arn:aws:iam::${accountId}:root` },
    Action: 'kms:*',
    Resource: '*',
  };
  const services = servicePrincipals.map((service) => ({
    Sid: `Encrypts${service.replaceAll(/[^a-z0-9]/g, '')}`,
    Effect: 'Allow',
    Principal: { Service: service },
    Action: ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:DescribeKey'],
    Resource: '*',
    Condition: onlyFor(service, accountId),
  }));
  return jsonStringify({ Version: '2012-10-17', Statement: [owner, ...services] });
}

/** CloudWatch Logs names the log group for which it encrypts; the others name the account. */
function onlyFor(service: string, accountId: string) {
  const [, region] = /^logs\.([a-z0-9-]+)\.amazonaws\.com$/.exec(service) ?? [];
  return region === undefined
    ? { StringEquals: { 'aws:SourceAccount': accountId } }
    : { ArnLike: { 'kms:EncryptionContext:aws:logs:arn': `arn:aws:logs:${region}:${accountId}:*` } };
}
