import * as aws from '@pulumi/aws';
import { ComponentResource, interpolate, type ComponentResourceOptions, type Input, type Output } from '@pulumi/pulumi';
import { stateful } from '../planning/stateful.ts';
import { policyOfRole, redisPort as port, type RedisRole } from '../planning/data/redis.ts';
import type { Redis } from './redis.ts';

export interface ValkeyArgs {
  /** `state` never evicts; `cache` forgets the least used. */
  readonly role: RedisRole;
  /** The network in which it stands. */
  readonly vpcId: Input<string>;
  /** Where it stands: private subnets, one in each zone. */
  readonly subnetIds: Input<string>[];
  /** The security group whose members may connect. */
  readonly clientSecurityGroupId: Input<string>;
  /** Exact version and parameter family, for example `8.2` and `valkey8`. */
  readonly engine: { readonly version: string; readonly family: string };
  /** For example `cache.t4g.micro`. */
  readonly nodeType: string;
  /** Copies beside the primary, 0 to 5, in other zones. From 1 on a failure of the primary is survived. */
  readonly replicas: number;
  /** Days that daily snapshots are kept. 0: none. */
  readonly snapshotDays: number;
  /** 16 to 128 letters and digits; a secret output. */
  readonly authToken: Output<string>;
  /** The key by which it is encrypted at rest. */
  readonly keyArn: Input<string>;
}

/**
 * One Valkey replication group of ElastiCache, encrypted at rest and in transit, reachable from the cluster's nodes alone.
 * Cost driver: node type times (1 + replicas).
 * Refuses nothing; what evicts follows from the role and can't be chosen.
 */
export class Valkey extends ComponentResource implements Redis {
  /** `rediss://host:port`, without the password. */
  readonly url: Output<string>;
  readonly memberIds: readonly Output<string>[];

  constructor(name: string, args: ValkeyArgs, options?: ComponentResourceOptions) {
    super('orrery:data:Valkey', name, {}, options);
    const subnets = new aws.elasticache.SubnetGroup(
      `${name}-subnets`,
      { subnetIds: args.subnetIds, description: `${name}: private subnets` },
      { parent: this },
    );
    const parameters = new aws.elasticache.ParameterGroup(
      `${name}-parameters`,
      {
        family: args.engine.family,
        description: `${name}: ${args.role}`,
        parameters: [{ name: 'maxmemory-policy', value: policyOfRole[args.role] }],
      },
      { parent: this },
    );
    const group = new aws.elasticache.ReplicationGroup(
      `${name}-group`,
      {
        ...replicationGroup(args),
        subnetGroupName: subnets.name,
        parameterGroupName: parameters.name,
        securityGroupIds: [this.#createSecurityGroup(name, args).id],
      },
      args.role === 'state' ? stateful({ parent: this }) : { parent: this },
    );
    this.memberIds = Array.from({ length: 1 + args.replicas }, (_, index) => interpolate`${group.id}-00${index + 1}`);
    this.url = interpolate`rediss://${group.primaryEndpointAddress}:${port}`;
    this.registerOutputs({ url: this.url });
  }

  #createSecurityGroup(name: string, { vpcId, clientSecurityGroupId }: ValkeyArgs): aws.ec2.SecurityGroup {
    const group = new aws.ec2.SecurityGroup(
      `${name}-access`,
      { vpcId, description: `${name}: from the cluster's nodes`, tags: { Name: name } },
      { parent: this },
    );
    new aws.vpc.SecurityGroupIngressRule(
      `${name}-from-nodes`,
      {
        securityGroupId: group.id,
        referencedSecurityGroupId: clientSecurityGroupId,
        ipProtocol: 'tcp',
        fromPort: port,
        toPort: port,
        description: 'Valkey over TLS',
      },
      { parent: this },
    );
    return group;
  }
}

function replicationGroup(args: ValkeyArgs): aws.elasticache.ReplicationGroupArgs {
  const survives = args.replicas > 0;
  return {
    description: `Orrery ${args.role}`,
    engine: 'valkey',
    engineVersion: args.engine.version,
    nodeType: args.nodeType,
    port,
    numCacheClusters: 1 + args.replicas,
    automaticFailoverEnabled: survives,
    multiAzEnabled: survives,
    atRestEncryptionEnabled: true,
    kmsKeyId: args.keyArn,
    transitEncryptionEnabled: true,
    transitEncryptionMode: 'required',
    authToken: args.authToken,
    snapshotRetentionLimit: args.snapshotDays,
    // Versions move by a release, in daylight, never by themselves at night.
    autoMinorVersionUpgrade: false,
    applyImmediately: false,
  };
}
