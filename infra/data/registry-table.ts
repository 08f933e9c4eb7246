import * as aws from '@pulumi/aws';
import { ComponentResource, type ComponentResourceOptions, type Input, type Output } from '@pulumi/pulumi';
import { stateful } from '../planning/stateful.ts';

export interface RegistryTableArgs {
  /** The customer-managed key. */
  readonly keyArn: Input<string>;
}

/** The log that an entry belongs to, and its place there: a place is taken once, by a write that finds it empty. */
export const registryKeys = { log: 'log', number: 'number' } as const;

/**
 * The table of the registry's log: which pairs there are, and what was live when. It can be put back to any second of 35 days.
 * Cost driver: requests, bytes kept, and as much again for the 35 days.
 * Refuses nothing.
 */
export class RegistryTable extends ComponentResource {
  readonly tableName: Output<string>;
  readonly arn: Output<string>;

  constructor(name: string, { keyArn }: RegistryTableArgs, options?: ComponentResourceOptions) {
    super('orrery:data:RegistryTable', name, {}, options);
    const table = new aws.dynamodb.Table(
      `${name}-table`,
      {
        billingMode: 'PAY_PER_REQUEST',
        hashKey: registryKeys.log,
        rangeKey: registryKeys.number,
        attributes: [
          { name: registryKeys.log, type: 'S' },
          { name: registryKeys.number, type: 'N' },
        ],
        pointInTimeRecovery: { enabled: true },
        serverSideEncryption: { enabled: true, kmsKeyArn: keyArn },
        deletionProtectionEnabled: true,
      },
      stateful({ parent: this }),
    );
    this.tableName = table.name;
    this.arn = table.arn;
    this.registerOutputs({ tableName: this.tableName, arn: this.arn });
  }
}
