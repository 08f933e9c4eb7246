import { Buffer } from 'node:buffer';
import * as aws from '@pulumi/aws';
import type { ComponentResource, Input, Output } from '@pulumi/pulumi';
import { planNatScript, type NatInstance } from '../planning/network/nat.ts';

export interface NatInstanceRequest {
  readonly vpcId: Input<string>;
  readonly cidr: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly zone: string;
  /** A public one of the zone. */
  readonly subnetId: Input<string>;
  readonly instance: NatInstance;
}

/**
 * One machine that leads a network out, as children of a component. Its address stays when the machine goes: an auto scaling group of
 * one puts the next behind the same network interface, which takes minutes in which nothing gets out. (That a group starts machines
 * behind an interface that is there already is AWS's documented form; it was not tried on AWS.)
 */
export function createNatInstance(
  parent: ComponentResource,
  name: string,
  request: NatInstanceRequest,
): { readonly networkInterfaceId: Output<string> } {
  const access = createAccess(parent, name, request);
  const card = new aws.ec2.NetworkInterface(
    `${name}-interface`,
    {
      subnetId: request.subnetId,
      securityGroups: [access.id],
      // It forwards what is neither from nor to itself.
      sourceDestCheck: false,
      description: `${name}: the way out`,
      tags: { Name: name },
    },
    { parent },
  );
  new aws.ec2.Eip(`${name}-address`, { domain: 'vpc', networkInterface: card.id, tags: { Name: name } }, { parent });
  const template = new aws.ec2.LaunchTemplate(`${name}-template`, launchTemplate(name, request, card.id), { parent });
  new aws.autoscaling.Group(
    `${name}-machine`,
    {
      minSize: 1,
      maxSize: 1,
      desiredCapacity: 1,
      // A group whose template names an interface is given its zone, not a subnet.
      availabilityZones: [request.zone],
      launchTemplate: { id: template.id, version: template.latestVersion.apply(String) },
      healthCheckType: 'EC2',
      instanceRefresh: { strategy: 'Rolling', preferences: { minHealthyPercentage: 0 } },
    },
    { parent },
  );
  return { networkInterfaceId: card.id };
}

function createAccess(parent: ComponentResource, name: string, request: NatInstanceRequest): aws.ec2.SecurityGroup {
  const group = new aws.ec2.SecurityGroup(
    `${name}-access`,
    { vpcId: request.vpcId, description: `${name}: out for the network, in for nobody else`, tags: { Name: name } },
    { parent },
  );
  const rule = { securityGroupId: group.id, ipProtocol: '-1' };
  new aws.vpc.SecurityGroupIngressRule(
    `${name}-from-network`,
    { ...rule, cidrIpv4: request.cidr, description: 'what the network sends out' },
    { parent },
  );
  new aws.vpc.SecurityGroupEgressRule(
    `${name}-outwards`,
    { ...rule, cidrIpv4: '0.0.0.0/0', description: 'the internet' },
    { parent },
  );
  return group;
}

function launchTemplate(
  name: string,
  { instance, cidr, tags }: NatInstanceRequest,
  networkInterfaceId: Output<string>,
): aws.ec2.LaunchTemplateArgs {
  return {
    updateDefaultVersion: true,
    imageId: instance.imageId,
    instanceType: instance.instanceType,
    metadataOptions: { httpEndpoint: 'enabled', httpTokens: 'required', httpPutResponseHopLimit: 1 },
    blockDeviceMappings: [
      { deviceName: '/dev/xvda', ebs: { volumeType: 'gp3', encrypted: 'true', deleteOnTermination: 'true' } },
    ],
    networkInterfaces: [{ deviceIndex: 0, networkInterfaceId, deleteOnTermination: 'false' }],
    tagSpecifications: ['instance', 'volume'].map((resourceType) => ({ resourceType, tags: { ...tags, Name: name } })),
    userData: Buffer.from(planNatScript(cidr)).toString('base64'),
  };
}
