import * as aws from '@pulumi/aws';
import * as random from '@pulumi/random';
import { ComponentResource, type ComponentResourceOptions, type Input, type Output } from '@pulumi/pulumi';
import { trust } from '../planning/iam.ts';
import { stateful } from '../planning/stateful.ts';

export interface MetabaseDatabaseArgs {
  /** The network in which it stands. */
  readonly vpcId: Input<string>;
  /** Private subnets of two zones or more. */
  readonly subnetIds: readonly Input<string>[];
  /** The group that every node carries: nobody else connects. */
  readonly clientSecurityGroupId: Input<string>;
  /** Version of Postgres, and the family of its parameters, for example `postgres17`. */
  readonly engine: { readonly version: string; readonly family: string };
  /** For example `db.t4g.micro`. */
  readonly instanceType: string;
  /** Size of the volume. At least 20; it grows, never shrinks. */
  readonly volumeGiB: number;
  /** Days that daily backups are kept. 1 to 35. */
  readonly backupDays: number;
  /** The key by which it is encrypted at rest. */
  readonly keyArn: Input<string>;
}

const port = 5432;
/** How often the machine below the database tells of itself. */
const monitoringSeconds = 60;
/** What AWS keeps without a price. */
const insightsDays = 7;

/**
 * A small Postgres of AWS for what people build in Metabase: questions, dashboards, their accounts. It holds no data of the platform.
 * Cost driver: the instance and its volume, each twice: a standby in another zone takes over by itself.
 * Refuses nothing.
 */
export class MetabaseDatabase extends ComponentResource {
  readonly host: Output<string>;
  readonly database = 'metabase';
  readonly username = 'metabase';
  /** A secret output. */
  readonly password: Output<string>;

  constructor(name: string, args: MetabaseDatabaseArgs, options?: ComponentResourceOptions) {
    super('orrery:observability:MetabaseDatabase', name, {}, options);
    const password = new random.RandomPassword(
      `${name}-password`,
      { length: 40, special: false },
      stateful({ parent: this }),
    );
    const subnets = new aws.rds.SubnetGroup(`${name}-subnets`, { subnetIds: [...args.subnetIds] }, { parent: this });
    const group = new aws.ec2.SecurityGroup(
      `${name}-access`,
      { vpcId: args.vpcId, description: 'Postgres of Metabase' },
      { parent: this },
    );
    new aws.vpc.SecurityGroupIngressRule(
      `${name}-from-nodes`,
      {
        securityGroupId: group.id,
        referencedSecurityGroupId: args.clientSecurityGroupId,
        ipProtocol: 'tcp',
        fromPort: port,
        toPort: port,
        description: 'Postgres over TLS',
      },
      { parent: this },
    );
    const parameters = new aws.rds.ParameterGroup(
      `${name}-parameters`,
      {
        family: args.engine.family,
        parameters: [
          { name: 'rds.force_ssl', value: '1' },
          { name: 'log_min_duration_statement', value: '1000' },
        ],
      },
      { parent: this },
    );
    const monitoring = this.#createMonitoringRole(name);
    const instance = new aws.rds.Instance(
      `${name}-instance`,
      {
        ...instanceArgs(args),
        dbName: this.database,
        username: this.username,
        password: password.result,
        dbSubnetGroupName: subnets.name,
        parameterGroupName: parameters.name,
        vpcSecurityGroupIds: [group.id],
        monitoringRoleArn: monitoring.role.arn,
      },
      // RDS refuses a role that may not do it yet.
      stateful({ parent: this, dependsOn: [monitoring.attached] }),
    );
    this.host = instance.address;
    this.password = password.result;
    this.registerOutputs({ host: this.host });
  }

  /** By which RDS writes what the machine tells into CloudWatch. */
  #createMonitoringRole(name: string): { role: aws.iam.Role; attached: aws.iam.RolePolicyAttachment } {
    const role = new aws.iam.Role(
      `${name}-monitoring`,
      { assumeRolePolicy: trust('monitoring.rds.amazonaws.com') },
      { parent: this },
    );
    const attached = new aws.iam.RolePolicyAttachment(
      `${name}-monitoring-policy`,
      { role: role.name, policyArn: 'arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole' },
      { parent: this },
    );
    return { role, attached };
  }
}

function instanceArgs(args: MetabaseDatabaseArgs): Omit<aws.rds.InstanceArgs, 'dbName' | 'username' | 'password'> {
  return {
    engine: 'postgres',
    engineVersion: args.engine.version,
    instanceClass: args.instanceType,
    allocatedStorage: args.volumeGiB,
    storageType: 'gp3',
    storageEncrypted: true,
    kmsKeyId: args.keyArn,
    port,
    publiclyAccessible: false,
    backupRetentionPeriod: args.backupDays,
    copyTagsToSnapshot: true,
    deletionProtection: true,
    skipFinalSnapshot: false,
    finalSnapshotIdentifier: 'orrery-metabase-final',
    multiAz: true,
    // People get in by a role of theirs, once the database knows a user for it; Metabase itself by its password.
    iamDatabaseAuthenticationEnabled: true,
    performanceInsightsEnabled: true,
    performanceInsightsKmsKeyId: args.keyArn,
    performanceInsightsRetentionPeriod: insightsDays,
    monitoringInterval: monitoringSeconds,
    enabledCloudwatchLogsExports: ['postgresql', 'upgrade'],
    // Versions move by a release, in daylight, never by themselves at night.
    autoMinorVersionUpgrade: false,
    applyImmediately: false,
  };
}
