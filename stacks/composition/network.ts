import { Vpc } from '#infra/network/vpc.ts';
import type { AwsSettings } from '../settings/settings.ts';
import type { Foundation, NetworkLayer } from './layers.ts';

export function createNetwork({ network }: AwsSettings, foundation: Foundation): NetworkLayer {
  const { region, accountId, keyArn, tags, providers } = foundation;
  const vpc = new Vpc('network', { region, accountId, keyArn, tags, ...network }, { providers });
  const { vpcId, publicSubnetIds, privateSubnetIds, natGatewayIds } = vpc;
  return { vpcId, cidr: network.cidr, publicSubnetIds, privateSubnetIds, natGatewayIds };
}
