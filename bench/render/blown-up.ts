import * as aws from '@pulumi/aws';
import { NodePool } from '#infra/compute/node-pool.ts';
import { ObjectStore } from '#infra/data/object-store.ts';
import { Valkey } from '#infra/data/valkey.ts';
import { Vpc } from '#infra/network/vpc.ts';
import { planSpotPool } from '#infra/planning/compute/pools.ts';
import { Key } from '#infra/security/key.ts';
import { composePlatform as composePresent, type PlatformRequest } from '#stacks/platform.ts';

/** How many more regions' worth of components the present platform gets; put in by the bundler. */
declare const copies: number;

const region = 'eu-west-1';
const zones = ['a', 'b', 'c'].map((zone) => `${region}${zone}`);
const families = ['m5', 'm6i', 'm7i', 'c5', 'c6i', 'c7i', 'r5', 'r6i', 'r7i', 'm5a', 'c5a', 'r5a'];

/** The present platform, and beside it the same components over and over: what a program of thousands of resources looks like. */
export function composePlatform(request: PlatformRequest): unknown {
  const outputs = composePresent(request);
  const provider = new aws.Provider('more', { region, skipCredentialsValidation: true });
  for (let copy = 0; copy < copies; copy += 1) compose(copy, provider);
  return outputs;
}

function compose(copy: number, provider: aws.Provider): void {
  const options = { providers: { aws: provider } };
  const name = (part: string) => `more-${copy}-${part}`;
  const key = new Key(name('key'), { description: 'more', accountId: '000000000000' }, options);
  const network = new Vpc(
    name('network'),
    {
      region,
      accountId: '000000000000',
      cidr: `10.${copy % 200}.0.0/16`,
      zones,
      nat: 'perAz',
      interfaceEndpoints: [],
      flowLogs: { traffic: 'REJECT', retentionDays: 1 },
      keyArn: key.arn,
      tags: {},
    },
    options,
  );
  new ObjectStore(name('store'), { keyArn: key.arn, lock: { mode: 'GOVERNANCE', days: 1 } }, options);
  const access = new aws.ec2.SecurityGroup(name('access'), { vpcId: network.vpcId }, { provider });
  for (const role of ['state', 'cache'] as const) {
    new Valkey(
      name(`redis-${role}`),
      {
        role,
        vpcId: network.vpcId,
        subnetIds: network.privateSubnetIds,
        clientSecurityGroupId: access.id,
        engine: { version: '8.2', family: 'valkey8' },
        nodeType: 'cache.t4g.micro',
        replicas: 1,
        snapshotDays: 1,
        authToken: access.arn,
        keyArn: key.arn,
      },
      options,
    );
  }
  new NodePool(
    name('pool'),
    {
      clusterName: 'more',
      version: '1.34',
      subnetIds: network.privateSubnetIds,
      plan: planSpotPool({
        instanceTypes: families.map((family) => `${family}.large`),
        nodesMin: 1,
        nodesMax: 3,
        diskGiB: 50,
      }),
      tags: { copy: String(copy) },
      after: [network],
    },
    options,
  );
}
