import { isBucket, partsOfBucket, isLogBucket } from './buckets.ts';
import { isAtLeast, isGiven, isOneOf, isTrue, unmet, type Demand } from './demand.ts';
import { isRecord, valueAt, valuesAt, type Graph, type Resource } from './graph.ts';
import { violationAt, type Rule, type Violation } from './rule.ts';

const keyed = (property: string): Demand => ({ property, accepts: isGiven, problem: 'must name a key of ours' });
const enabled = (property: string): Demand => ({ property, accepts: isTrue, problem: 'must be on' });

/** What each type must say to be encrypted. A type that is added to the platform is thought about here. */
const demandsOfType: Readonly<Record<string, readonly Demand[]>> = {
  'aws:backup/vault:Vault': [keyed('kmsKeyArn')],
  'aws:cloudwatch/logGroup:LogGroup': [keyed('kmsKeyId')],
  'aws:dynamodb/table:Table': [enabled('serverSideEncryption.enabled'), keyed('serverSideEncryption.kmsKeyArn')],
  'aws:ebs/volume:Volume': [enabled('encrypted')],
  'aws:efs/fileSystem:FileSystem': [enabled('encrypted')],
  'aws:eks/cluster:Cluster': [keyed('encryptionConfig.provider.keyArn')],
  'aws:elasticache/replicationGroup:ReplicationGroup': [enabled('atRestEncryptionEnabled'), keyed('kmsKeyId')],
  'aws:elasticache/serverlessCache:ServerlessCache': [keyed('kmsKeyId')],
  'aws:kms/key:Key': [enabled('enableKeyRotation')],
  'aws:msk/cluster:Cluster': [keyed('encryptionInfo.encryptionAtRestKmsKeyArn')],
  'aws:rds/cluster:Cluster': [enabled('storageEncrypted'), keyed('kmsKeyId')],
  'aws:rds/instance:Instance': [enabled('storageEncrypted'), keyed('kmsKeyId')],
  'aws:secretsmanager/secret:Secret': [keyed('kmsKeyId')],
  'aws:sns/topic:Topic': [keyed('kmsMasterKeyId')],
  'eks:index:Cluster': [keyed('encryptionConfigKeyArn')],
};

/** Disks of machines: each of them, and at least one, because an image's own disks are not encrypted. */
const disksOfType: Readonly<Record<string, string>> = {
  'aws:ec2/launchTemplate:LaunchTemplate': 'blockDeviceMappings',
  'kubernetes:karpenter.k8s.aws/v1:EC2NodeClass': 'spec.blockDeviceMappings',
};

const storageClassType = 'kubernetes:storage.k8s.io/v1:StorageClass';

export const encryptedAtRest: Rule = {
  name: 'encrypted-at-rest',
  why: 'a copied disk, snapshot or backup is readable by whoever holds it',
  remedy: 'pass the environment’s key; disks of launch templates and node classes say encrypted: true',
  scope: 'graph',
  check: (graph) => graph.resources.flatMap((resource) => checkResource(graph, resource)),
};

function checkResource(graph: Graph, resource: Resource): Violation[] {
  const { type, inputs } = resource;
  const disks = disksOfType[type];
  if (disks !== undefined) return checkDisks(resource, disks);
  if (isBucket(resource)) return checkBucket(graph, resource);
  // What templates make holds copies of public images, which AWS encrypts by a key of its own.
  if (type === 'aws:ecr/repository:Repository') return checkRegistry(resource);
  // A queue that other services of AWS write to has the queues' own key.
  if (type === 'aws:sqs/queue:Queue' && !isTrue(inputs['sqsManagedSseEnabled'])) {
    return unmet(resource, [keyed('kmsMasterKeyId')]);
  }
  if (type === storageClassType && inputs['provisioner'] === 'ebs.csi.aws.com') {
    return unmet(resource, [enabled('parameters.encrypted')]);
  }
  return unmet(resource, demandsOfType[type]);
}

function checkDisks(resource: Resource, property: string): Violation[] {
  const disks = valuesAt(resource.inputs, `${property}[]`);
  if (disks.length === 0) {
    const value = valueAt(resource.inputs, property);
    return [violationAt(resource, { property, value }, 'leaves the disks to their image, which does not encrypt them')];
  }
  return disks
    .map((disk) => ({ property: `${disk.property}.ebs.encrypted`, value: valueAt(disk.value, 'ebs.encrypted') }))
    .filter(({ value }) => !isTrue(value))
    .map((found) => violationAt(resource, found, 'must be true'));
}

/** What logs are delivered to can't have a key of ours: the service that delivers them may not use it. */
function checkBucket(graph: Graph, bucket: Resource): Violation[] {
  const [encryption] = partsOfBucket(graph, bucket, 'ServerSideEncryptionConfiguration');
  if (encryption === undefined) {
    return [violationAt(bucket, { property: 'encryption', value: undefined }, 'has no encryption with a key of ours')];
  }
  const accepts = isLogBucket(graph, bucket) ? isOneOf('aws:kms', 'AES256') : isOneOf('aws:kms', 'aws:kms:dsse');
  return valuesAt(encryption.inputs, 'rules[].applyServerSideEncryptionByDefault.sseAlgorithm')
    .filter(({ value }) => !accepts(value))
    .map((found) => violationAt(encryption, found, 'must be aws:kms'));
}

function checkRegistry(resource: Resource): Violation[] {
  const configurations = valuesAt(resource.inputs, 'encryptionConfigurations[]');
  const property = 'encryptionConfigurations';
  if (!isAtLeast(1)(configurations.length)) {
    return [violationAt(resource, { property, value: resource.inputs[property] }, 'must say KMS')];
  }
  return configurations
    .filter(({ value }) => !isRecord(value) || value['encryptionType'] !== 'KMS')
    .map((found) => violationAt(resource, found, 'must say KMS'));
}
