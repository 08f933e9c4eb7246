import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { PlanError } from '#infra/errors.ts';
import { Vpc, type VpcArgs } from '#infra/network/vpc.ts';
import type { NatMode } from '#infra/planning/network/nat.ts';
import { outline, record, resourceNamed, resourcesOfType, type Recording } from '#test/support/pulumi.ts';

const args: VpcArgs = {
  region: 'eu-west-1',
  accountId: '111122223333',
  cidr: '10.20.0.0/16',
  zones: ['eu-west-1a', 'eu-west-1b', 'eu-west-1c'],
  nat: 'single',
  interfaceEndpoints: [],
  flowLogs: { traffic: 'ALL', retentionDays: 30 },
  keyArn: 'arn:aws:kms:::key/1',
  tags: { environment: 'test' },
};
const natInstance = { instanceType: 't4g.nano', imageId: 'ami-0123456789abcdef0' };

function recordVpc(over: Partial<VpcArgs> = {}) {
  return record(() => new Vpc('network', { ...args, ...over }));
}

describe('a network', () => {
  it('has a public and a private subnet in each zone, each with its routes', async () => {
    const recording = await recordVpc({ zones: ['eu-west-1a'] });
    assert.deepEqual(outline(recording), [
      'orrery:network:Vpc network',
      'aws:ec2/defaultSecurityGroup:DefaultSecurityGroup network-default < network',
      'aws:ec2/vpcEndpoint:VpcEndpoint network-dynamodb < network',
      'aws:ec2/flowLog:FlowLog network-flow-logs < network',
      'aws:cloudwatch/logGroup:LogGroup network-flows < network',
      'aws:iam/rolePolicy:RolePolicy network-flows-policy < network',
      'aws:iam/role:Role network-flows-role < network',
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
    const recording = await recordVpc();
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
    const { inputs } = resourceNamed(await recordVpc(), 'network-default');
    assert.deepEqual([inputs['ingress'], inputs['egress']], [[], []]);
  });

  it('shares one NAT gateway, or has one in each zone', async () => {
    const gateways = async (nat: NatMode) => {
      const recording = await recordVpc({ nat });
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
    assert.deepEqual(await gateways('perAz'), {
      gateways: ['network-nat-eu-west-1a', 'network-nat-eu-west-1b', 'network-nat-eu-west-1c'],
      routes: ['${network-nat-eu-west-1a.id}', '${network-nat-eu-west-1b.id}', '${network-nat-eu-west-1c.id}'],
    });
  });

  it('waits with a gateway until the network has a way to the internet', async () => {
    assert.ok(resourceNamed(await recordVpc(), 'network-nat-eu-west-1a').dependencies.includes('network-internet'));
    const { dependencies } = resourceNamed(await recordVpc({ nat: 'regional' }), 'network-nat');
    assert.ok(dependencies.includes('network-internet'));
  });

  it('leaves a regional NAT gateway to AWS: of the network, in no subnet, with no address of ours', async () => {
    const recording = await recordVpc({ nat: 'regional' });
    assert.deepEqual(resourceNamed(recording, 'network-nat').inputs, {
      vpcId: '${network-vpc.id}',
      availabilityMode: 'regional',
      connectivityType: 'public',
      tags: { Name: 'network-nat' },
    });
    assert.deepEqual(resourcesOfType(recording, 'aws:ec2/eip:Eip'), []);
    assert.deepEqual(waysOut(recording), Array(3).fill({ natGatewayId: '${network-nat.id}' }));
  });

  it('has no way out where there is no NAT, and the endpoints that nodes need', async () => {
    const interfaceEndpoints = ['ec2', 'ecr.api', 'ecr.dkr', 'eks', 'eks-auth', 'sqs', 'ssm', 'sts'] as const;
    const recording = await recordVpc({ nat: 'none', interfaceEndpoints });
    assert.deepEqual(waysOut(recording), []);
    assert.deepEqual(resourcesOfType(recording, 'aws:ec2/natGateway:NatGateway'), []);
    await assert.rejects(recordVpc({ nat: 'none' }), refusedAs('ENDPOINTS_INVALID'));
  });

  it('leads all traffic to S3 and DynamoDB past NAT', async () => {
    const recording = await recordVpc();
    for (const service of ['s3', 'dynamodb']) {
      assert.deepEqual(resourceNamed(recording, `network-${service}`).inputs, {
        vpcId: '${network-vpc.id}',
        serviceName: `com.amazonaws.eu-west-1.${service}`,
        vpcEndpointType: 'Gateway',
        routeTableIds: [
          '${network-public-table.id}',
          '${network-private-eu-west-1a-table.id}',
          '${network-private-eu-west-1b-table.id}',
          '${network-private-eu-west-1c-table.id}',
        ],
        tags: { Name: `network-${service}` },
      });
    }
  });

  it('reaches the services that it is told to without leaving, from inside alone', async () => {
    const recording = await recordVpc({ interfaceEndpoints: ['sqs'] });
    assert.deepEqual(resourceNamed(recording, 'network-sqs').inputs, {
      vpcId: '${network-vpc.id}',
      serviceName: 'com.amazonaws.eu-west-1.sqs',
      vpcEndpointType: 'Interface',
      subnetIds: [
        '${network-private-eu-west-1a.id}',
        '${network-private-eu-west-1b.id}',
        '${network-private-eu-west-1c.id}',
      ],
      securityGroupIds: ['${network-endpoints.id}'],
      privateDnsEnabled: true,
      tags: { Name: 'network-sqs' },
    });
    const rules = resourcesOfType(recording, 'aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule');
    assert.deepEqual(
      rules.map(({ inputs }) => [inputs['cidrIpv4'], inputs['ipProtocol'], inputs['fromPort'], inputs['toPort']]),
      [['10.20.0.0/16', 'tcp', 443, 443]],
    );
    assert.equal(resourceNamed(recording, 'network-endpoints').inputs['egress'], undefined);
  });

  it('keeps a record of who spoke to whom, encrypted, by a role that writes that alone', async () => {
    const recording = await recordVpc({ flowLogs: { traffic: 'REJECT', retentionDays: 14 } });
    const { inputs, dependencies } = resourceNamed(recording, 'network-flow-logs');
    assert.equal(inputs['trafficType'], 'REJECT');
    assert.equal(inputs['logDestination'], '${network-flows.arn}');
    assert.ok(dependencies.includes('network-flows-policy'));
    assert.deepEqual(resourceNamed(recording, 'network-flows').inputs, {
      retentionInDays: 14,
      kmsKeyId: 'arn:aws:kms:::key/1',
    });
    assert.deepEqual(JSON.parse(String(resourceNamed(recording, 'network-flows-policy').inputs['policy'])), {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Action: ['logs:CreateLogStream', 'logs:PutLogEvents', 'logs:DescribeLogGroups', 'logs:DescribeLogStreams'],
          Resource: ['${network-flows.arn}', '${network-flows.arn}:*'],
        },
      ],
    });
    const trust = JSON.parse(String(resourceNamed(recording, 'network-flows-role').inputs['assumeRolePolicy'])) as {
      Statement: { Principal: unknown; Condition: unknown }[];
    };
    assert.deepEqual(trust.Statement[0]?.Principal, { Service: 'vpc-flow-logs.amazonaws.com' });
    assert.deepEqual(trust.Statement[0].Condition, { StringEquals: { 'aws:SourceAccount': '111122223333' } });
  });

  it('is bent where a user has a reason', async () => {
    const recording = await recordVpc({
      transform: { vpc: (vpc) => ({ ...vpc, assignGeneratedIpv6CidrBlock: true }) },
    });
    const { inputs } = resourceNamed(recording, 'network-vpc');
    assert.deepEqual([inputs['cidrBlock'], inputs['assignGeneratedIpv6CidrBlock']], ['10.20.0.0/16', true]);
  });

  it('keeps every resource of the first zones as it is when a zone is appended', async () => {
    const two = await recordVpc({ nat: 'perAz', zones: ['eu-west-1a', 'eu-west-1b'] });
    const three = await recordVpc({ nat: 'perAz' });
    const gateways = ['network-s3', 'network-dynamodb'];
    const still = three.resources.filter(({ name }) => !name.includes('eu-west-1c') && !gateways.includes(name));
    assert.deepEqual(
      still,
      two.resources.filter(({ name }) => !gateways.includes(name)),
    );
  });

  it('refuses a zone of another region', async () => {
    await assert.rejects(() => recordVpc({ zones: ['eu-central-1a'] }), refusedAs('NETWORK_INVALID'));
    await assert.rejects(() => recordVpc({ zones: ['eu-west-10a'] }), refusedAs('NETWORK_INVALID'));
  });

  it('refuses a NAT machine that nobody describes', async () => {
    await assert.rejects(() => recordVpc({ nat: 'instance' }), refusedAs('NAT_INVALID'));
  });
});

describe('a NAT machine', () => {
  it('stands in the first public subnet, replaced by a group of one behind an address that stays', async () => {
    const recording = await recordVpc({ nat: 'instance', natInstance });
    const own = { resources: recording.resources.filter(({ name }) => name.startsWith('network-nat')) };
    assert.deepEqual(outline(own), [
      'aws:ec2/securityGroup:SecurityGroup network-nat-access < network',
      'aws:ec2/eip:Eip network-nat-address < network',
      'aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule network-nat-from-network < network',
      'aws:ec2/networkInterface:NetworkInterface network-nat-interface < network',
      'aws:autoscaling/group:Group network-nat-machine < network',
      'aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule network-nat-outwards < network',
      'aws:ec2/launchTemplate:LaunchTemplate network-nat-template < network',
    ]);
    const group = resourceNamed(recording, 'network-nat-machine').inputs;
    assert.deepEqual([group['minSize'], group['maxSize'], group['availabilityZones']], [1, 1, ['eu-west-1a']]);
    assert.equal(
      resourceNamed(recording, 'network-nat-address').inputs['networkInterface'],
      '${network-nat-interface.id}',
    );
    assert.deepEqual(waysOut(recording), Array(3).fill({ networkInterfaceId: '${network-nat-interface.id}' }));
  });

  it('forwards what is not its own, and takes it from the network alone', async () => {
    const recording = await recordVpc({ nat: 'instance', natInstance });
    const card = resourceNamed(recording, 'network-nat-interface').inputs;
    assert.deepEqual([card['sourceDestCheck'], card['subnetId']], [false, '${network-public-eu-west-1a.id}']);
    assert.equal(resourceNamed(recording, 'network-nat-from-network').inputs['cidrIpv4'], '10.20.0.0/16');
  });

  it('is the image that is named, encrypted, without old instance metadata, and masquerades the network', async () => {
    const { inputs } = resourceNamed(await recordVpc({ nat: 'instance', natInstance }), 'network-nat-template');
    assert.deepEqual([inputs['imageId'], inputs['instanceType']], ['ami-0123456789abcdef0', 't4g.nano']);
    assert.equal((inputs['metadataOptions'] as { httpTokens: string }).httpTokens, 'required');
    assert.deepEqual(inputs['blockDeviceMappings'], [
      { deviceName: '/dev/xvda', ebs: { volumeType: 'gp3', encrypted: 'true', deleteOnTermination: 'true' } },
    ]);
    assert.equal(inputs['iamInstanceProfile'], undefined);
    assert.match(Buffer.from(String(inputs['userData']), 'base64').toString(), /10\.20\.0\.0\/16 masquerade/);
    assert.deepEqual(inputs['tagSpecifications'], [
      { resourceType: 'instance', tags: { environment: 'test', Name: 'network-nat' } },
      { resourceType: 'volume', tags: { environment: 'test', Name: 'network-nat' } },
    ]);
  });
});

function refusedAs(code: string) {
  return (error: unknown) => error instanceof PlanError && error.code === code;
}

/** Where the routes of the private subnets lead. */
function waysOut(recording: Recording<unknown>): object[] {
  return resourcesOfType(recording, 'aws:ec2/route:Route')
    .filter(({ name }) => name.endsWith('-out'))
    .map(({ inputs: { natGatewayId, networkInterfaceId } }) =>
      natGatewayId === undefined ? { networkInterfaceId } : { natGatewayId },
    );
}
