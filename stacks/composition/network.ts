import { Vpc } from '#infra/network/vpc.ts';
import type { AwsSettings } from '../settings/settings.ts';
import type { Foundation, NetworkLayer } from './layers.ts';

export function createNetwork({ region, network }: AwsSettings, { providers }: Foundation): NetworkLayer {
  const { vpcId, publicSubnetIds, privateSubnetIds } = new Vpc('network', { region, ...network }, { providers });
  return { vpcId, cidr: network.cidr, publicSubnetIds, privateSubnetIds };
}
