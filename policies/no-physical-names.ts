import type { Resource } from './graph.ts';
import { violationAt, type Rule, type Violation } from './rule.ts';

/**
 * Types whose names nobody but the program needs, and the property that would fix one. Names that people or other systems refer to
 * (a cluster, a repository, a namespace, a group of logs that AWS writes) are not here.
 */
const nameOfType: Readonly<Record<string, string>> = {
  'aws:dynamodb/table:Table': 'name',
  'aws:ec2/launchTemplate:LaunchTemplate': 'name',
  'aws:ec2/securityGroup:SecurityGroup': 'name',
  'aws:eks/nodeGroup:NodeGroup': 'nodeGroupName',
  'aws:elasticache/parameterGroup:ParameterGroup': 'name',
  'aws:elasticache/replicationGroup:ReplicationGroup': 'replicationGroupId',
  'aws:elasticache/subnetGroup:SubnetGroup': 'name',
  'aws:iam/policy:Policy': 'name',
  'aws:iam/role:Role': 'name',
  'aws:iam/rolePolicy:RolePolicy': 'name',
  'aws:msk/cluster:Cluster': 'clusterName',
  'aws:rds/instance:Instance': 'identifier',
  'aws:s3/bucket:Bucket': 'bucket',
  'aws:s3/bucketV2:BucketV2': 'bucket',
  'aws:sns/topic:Topic': 'name',
  'aws:sqs/queue:Queue': 'name',
};

/** Names that others need before there is one: EMR asks for its role by it. */
const exceptions: readonly string[] = ['aws:iam/role:Role spark-role'];

export const noPhysicalNames: Rule = {
  name: 'no-physical-names',
  why: 'a replacement can’t be made beside what it replaces, so it fails, or there is none for a while',
  remedy: 'leave the name away: Pulumi makes one of the logical name; pass outputs, not names',
  scope: 'resource',
  check: ({ resources }) => resources.filter(({ expanded }) => expanded !== true).flatMap(checkName),
};

function checkName(resource: Resource): Violation[] {
  const property = nameOfType[resource.type];
  const value = property === undefined ? undefined : resource.inputs[property];
  if (property === undefined || value === undefined) return [];
  if (exceptions.includes(`${resource.type} ${resource.name}`)) return [];
  return [violationAt(resource, { property, value }, 'is a name that nobody outside refers to')];
}
