import * as aws from '@pulumi/aws';
import {
  ComponentResource,
  jsonStringify,
  type ComponentResourceOptions,
  type Input,
  type Output,
  type Resource,
} from '@pulumi/pulumi';
import { kafkaPorts, kafkaUser, planBrokerConfig, planMsk } from '../planning/data/kafka.ts';
import { stateful } from '../planning/stateful.ts';
import type { Kafka } from './kafka.ts';

export interface MskArgs {
  /** The network in which it stands. */
  readonly vpcId: Input<string>;
  /** Private subnets, one a zone, two or three. */
  readonly subnetIds: Input<string>[];
  /** The security group whose members may connect. */
  readonly clientSecurityGroupId: Input<string>;
  /** Major and minor, for example `4.1`: MSK itself keeps the patch, and calls it `4.1.x.kraft`. */
  readonly version: string;
  /** A multiple of the number of subnets, at least 2. From 3 on the loss of one is survived. */
  readonly brokers: number;
  /** For example `kafka.m7g.large`. */
  readonly instanceType: string;
  /** GiB of each broker's volume. It grows in place and never shrinks. */
  readonly volumeGiB: number;
  /** Of the platform's user; 16 or more letters and digits; a secret output. */
  readonly userPassword: Output<string>;
  /** Where clients find the same password: a Secret in their namespace, and its key. */
  readonly password: { readonly secretName: Input<string>; readonly key: string };
  /** The customer-managed key of volumes, logs and the user's secret: MSK takes no secret under AWS's own key. */
  readonly keyArn: Input<string>;
  /** Days that the brokers' logs are kept, one of CloudWatch's steps. */
  readonly logRetentionDays: number;
}

const exporterPorts = { jmx: 11_001, node: 11_002 } as const;

/**
 * A Kafka managed by AWS: KRaft, TLS, a password for every client, in private subnets, reached from the cluster's nodes alone. It makes
 * no topics: a service makes its own when it starts, by the broker's defaults, and there are no rules yet about who may what.
 * Cost driver: instance type times brokers, and their volumes.
 * Refuses: brokers that its subnets can't hold evenly.
 */
export class Msk extends ComponentResource implements Kafka {
  readonly brokers: Output<string>;
  readonly username = kafkaUser;
  readonly password: MskArgs['password'];
  readonly ready: readonly Resource[];

  constructor(name: string, args: MskArgs, options?: ComponentResourceOptions) {
    super('orrery:data:Msk', name, {}, options);
    planMsk({ brokers: args.brokers, zones: args.subnetIds.length });
    const kafkaVersion = `${args.version}.x.kraft`;
    const properties = Object.entries(planBrokerConfig(args.brokers)).map(([key, value]) => `${key}=${value}`);
    const configuration = new aws.msk.Configuration(
      `${name}-configuration`,
      { kafkaVersions: [kafkaVersion], serverProperties: `${properties.join('\n')}\n` },
      { parent: this },
    );
    const logs = new aws.cloudwatch.LogGroup(
      `${name}-logs`,
      { retentionInDays: args.logRetentionDays, kmsKeyId: args.keyArn },
      { parent: this },
    );
    const cluster = new aws.msk.Cluster(
      `${name}-cluster`,
      {
        ...clusterOf(args),
        kafkaVersion,
        configurationInfo: { arn: configuration.arn, revision: configuration.latestRevision },
        brokerNodeGroupInfo: {
          ...nodesOf(args),
          securityGroups: [this.#createSecurityGroup(name, args).id],
        },
        loggingInfo: { brokerLogs: { cloudwatchLogs: { enabled: true, logGroup: logs.name } } },
      },
      stateful({ parent: this }),
    );
    this.brokers = cluster.bootstrapBrokersSaslScram;
    this.password = args.password;
    this.ready = [this.#createUser(name, args, cluster.arn)];
    this.registerOutputs({ brokers: this.brokers });
  }

  #createSecurityGroup(name: string, { vpcId, clientSecurityGroupId }: MskArgs): aws.ec2.SecurityGroup {
    const group = new aws.ec2.SecurityGroup(
      `${name}-access`,
      { vpcId, description: `${name}: from the cluster's nodes`, tags: { Name: name } },
      { parent: this },
    );
    const doors = [
      { role: 'from-nodes', fromPort: kafkaPorts.msk, toPort: kafkaPorts.msk, description: 'Kafka over TLS' },
      {
        role: 'measured',
        fromPort: exporterPorts.jmx,
        toPort: exporterPorts.node,
        description: 'what Prometheus reads',
      },
    ];
    for (const { role, ...door } of doors) {
      new aws.vpc.SecurityGroupIngressRule(
        `${name}-${role}`,
        {
          securityGroupId: group.id,
          referencedSecurityGroupId: clientSecurityGroupId,
          ipProtocol: 'tcp',
          ...door,
        },
        { parent: this },
      );
    }
    return group;
  }

  /** The user, as the secret by which MSK knows it. */
  #createUser(name: string, { keyArn, userPassword }: MskArgs, clusterArn: Output<string>): Resource {
    const secret = new aws.secretsmanager.Secret(
      `${name}-secret`,
      { namePrefix: `AmazonMSK_${name}-`, kmsKeyId: keyArn, description: `${name}: ${kafkaUser}` },
      stateful({ parent: this }),
    );
    const version = new aws.secretsmanager.SecretVersion(
      `${name}-secret-version`,
      { secretId: secret.id, secretString: jsonStringify({ username: kafkaUser, password: userPassword }) },
      { parent: this },
    );
    const policy = new aws.secretsmanager.SecretPolicy(
      `${name}-secret-policy`,
      {
        secretArn: secret.arn,
        policy: jsonStringify({
          Version: '2012-10-17',
          Statement: [
            {
              Sid: 'BrokersRead',
              Effect: 'Allow',
              Principal: { Service: 'kafka.amazonaws.com' },
              Action: 'secretsmanager:getSecretValue',
              Resource: secret.arn,
              Condition: { ArnLike: { 'aws:SourceArn': clusterArn } },
            },
          ],
        }),
      },
      { parent: this },
    );
    return new aws.msk.ScramSecretAssociation(
      `${name}-user`,
      { clusterArn, secretArnLists: [secret.arn] },
      { parent: this, dependsOn: [version, policy] },
    );
  }
}

function clusterOf({ brokers, keyArn }: MskArgs) {
  return {
    numberOfBrokerNodes: brokers,
    enhancedMonitoring: 'PER_BROKER',
    clientAuthentication: { sasl: { scram: true, iam: false }, unauthenticated: false },
    encryptionInfo: {
      encryptionAtRestKmsKeyArn: keyArn,
      encryptionInTransit: { clientBroker: 'TLS', inCluster: true },
    },
    openMonitoring: {
      prometheus: { jmxExporter: { enabledInBroker: true }, nodeExporter: { enabledInBroker: true } },
    },
  };
}

function nodesOf({ instanceType, subnetIds, volumeGiB }: MskArgs) {
  return {
    instanceType,
    clientSubnets: subnetIds,
    storageInfo: { ebsStorageInfo: { volumeSize: volumeGiB } },
    connectivityInfo: { publicAccess: { type: 'DISABLED' } },
  };
}
