import assert from 'node:assert/strict';
import { PlanError } from '#infra/errors.ts';
import { Vpc, type NatMode } from '#infra/network/vpc.ts';
import { outline, record, resourceNamed, resourcesOfType } from '#test/support/pulumi.ts';

const args = { region: 'eu-west-1', cidr: '10.20.0.0/16', zones: ['eu-west-1a', 'eu-west-1b', 'eu-west-1c'] };

function recordVpc(nat: NatMode, zones = args.zones) {
  return record(() => new Vpc('network', { ...args, zones, nat }));
}

describe('a network', () => {
  it('has a public and a private subnet in each zone, each with its routes', async () => {
    const recording = await recordVpc('single', ['eu-west-1a']);
    assert.deepEqual(outline(recording), [
      'orrery:network:Vpc network',
      'aws:ec2/defaultSecurityGroup:DefaultSecurityGroup network-default < network',
      'aws:ec2/internetGateway:InternetGateway network-internet < network',
      'aws:ec2/natGateway:NatGateway network-nat-eu-west-1a < network',
      'aws:ec2/eip:Eip network-nat-eu-west-1a-address < network',
      'aws:ec2/subnet:Subnet network-private-eu-west-1a < network',
      'aws:ec2/route:Route network-private-eu-west-1a-out < network',
      'aws:ec2/routeTableAssociation:RouteTableAssociation network-private-eu-west-1a-routes < network',
      'aws:ec2/routeTable:RouteTable network-private-eu-west-1a-table < network',
      'aws:ec2/subnet:Subnet network-public-eu-west-1a < network',
      'aws:ec2/routeTableAssociation:RouteTableAssociation network-public-eu-west-1a-routes < network',
      'aws:ec2/route:Route network-public-internet < network',
      'aws:ec2/routeTable:RouteTable network-public-table < network',
      'aws:ec2/vpcEndpoint:VpcEndpoint network-s3 < network',
      'aws:ec2/vpc:Vpc network-vpc < network',
    ]);
    assert.deepEqual([...recording.completed], ['network']);
  });

  it('puts subnets where the plan says, and gives nobody a public address by itself', async () => {
    const recording = await recordVpc('single');
    assert.deepEqual(resourceNamed(recording, 'network-private-eu-west-1b').inputs, {
      vpcId: '${network-vpc.id}',
      availabilityZone: 'eu-west-1b',
      cidrBlock: '10.20.64.0/18',
      mapPublicIpOnLaunch: false,
      tags: { Name: 'network-private-eu-west-1b', 'kubernetes.io/role/internal-elb': '1' },
    });
    const subnets = resourcesOfType(recording, 'aws:ec2/subnet:Subnet');
    assert.equal(subnets.length, 6);
    assert.ok(subnets.every((subnet) => subnet.inputs['mapPublicIpOnLaunch'] === false));
  });

  it('leaves the default security group without a rule', async () => {
    const { inputs } = resourceNamed(await recordVpc('single'), 'network-default');
    assert.deepEqual([inputs['ingress'], inputs['egress']], [[], []]);
  });

  it('shares one NAT gateway, has one in each zone, or none', async () => {
    const gateways = async (nat: NatMode) => {
      const recording = await recordVpc(nat);
      return {
        gateways: resourcesOfType(recording, 'aws:ec2/natGateway:NatGateway').map(({ name }) => name),
        routes: resourcesOfType(recording, 'aws:ec2/route:Route')
          .filter(({ name }) => name.endsWith('-out'))
          .map(({ inputs }) => inputs['natGatewayId']),
      };
    };
    assert.deepEqual(await gateways('single'), {
      gateways: ['network-nat-eu-west-1a'],
      routes: ['${network-nat-eu-west-1a.id}', '${network-nat-eu-west-1a.id}', '${network-nat-eu-west-1a.id}'],
    });
    assert.deepEqual(await gateways('perZone'), {
      gateways: ['network-nat-eu-west-1a', 'network-nat-eu-west-1b', 'network-nat-eu-west-1c'],
      routes: ['${network-nat-eu-west-1a.id}', '${network-nat-eu-west-1b.id}', '${network-nat-eu-west-1c.id}'],
    });
    assert.deepEqual(await gateways('none'), { gateways: [], routes: [] });
  });

  it('leads all traffic to S3 past the NAT gateways', async () => {
    const { inputs } = resourceNamed(await recordVpc('single'), 'network-s3');
    assert.deepEqual(inputs['routeTableIds'], [
      '${network-public-table.id}',
      '${network-private-eu-west-1a-table.id}',
      '${network-private-eu-west-1b-table.id}',
      '${network-private-eu-west-1c-table.id}',
    ]);
    assert.equal(inputs['serviceName'], 'com.amazonaws.eu-west-1.s3');
  });

  it('keeps every resource of the first zones as it is when a zone is appended', async () => {
    const two = await recordVpc('perZone', ['eu-west-1a', 'eu-west-1b']);
    const three = await recordVpc('perZone');
    const still = three.resources.filter(({ name }) => !name.includes('eu-west-1c') && name !== 'network-s3');
    assert.deepEqual(
      still,
      two.resources.filter(({ name }) => name !== 'network-s3'),
    );
  });

  it('refuses a zone of another region', async () => {
    await assert.rejects(
      () => recordVpc('single', ['eu-central-1a']),
      (error) => error instanceof PlanError && error.code === 'NETWORK_INVALID',
    );
  });
});
