/** What a change of a property does to a resource that stands. Paths without indices; a path stands for all below it. */
export interface Replacements {
  /** A change can't be made in place: the resource is made again. */
  readonly replace?: readonly string[];
  /** The provider decides by more than the property. */
  readonly may?: readonly string[];
  /** Neither: the API refuses the change, and the deployment stops there. */
  readonly refuse?: readonly string[];
  /** Replaced when the value, a version, is lowered. */
  readonly replaceLowered?: readonly string[];
  /** Refused when the value, a version or a quantity, is lowered. */
  readonly refuseLowered?: readonly string[];
}

/** pulumi-kubernetes provider/pkg/provider/diff.go, metadataForceNewProperties; every kind. */
export const kubernetesReplacements: readonly string[] = ['metadata.name', 'metadata.namespace', 'kind', 'apiVersion'];

/** Names and the region of anything of AWS: `ForceNew` in terraform-provider-aws wherever they are set at all. */
export const awsReplacements: readonly string[] = ['region', 'namePrefix', 'bucketPrefix'];

const bucketPart: Replacements = { replace: ['bucket', 'expectedBucketOwner'] };

/**
 * By type, for what the platform is made of. For AWS: the arguments that are `ForceNew` (or `RequiresReplace`) in the schema of
 * terraform-provider-aws, internal/service/<file named>; for Kubernetes: forceNew of pulumi-kubernetes
 * provider/pkg/provider/diff.go. A type that is not here is told as "may replace".
 */
export const replacementTable: Readonly<Record<string, Replacements>> = {
  // logs/group.go
  'aws:cloudwatch/logGroup:LogGroup': { replace: ['name', 'logGroupClass'] },
  // ec2/vpc_default_security_group.go
  'aws:ec2/defaultSecurityGroup:DefaultSecurityGroup': { replace: ['vpcId'] },
  // ec2/ec2_eip.go
  'aws:ec2/eip:Eip': { replace: ['domain', 'address', 'publicIpv4Pool', 'networkBorderGroup'] },
  // ec2/vpc_internet_gateway.go: another network is attached in place
  'aws:ec2/internetGateway:InternetGateway': {},
  // ec2/ec2_launch_template.go: every change is another version of the same template
  'aws:ec2/launchTemplate:LaunchTemplate': { replace: ['name'] },
  // ec2/vpc_nat_gateway.go
  'aws:ec2/natGateway:NatGateway': { replace: ['allocationId', 'connectivityType', 'privateIp', 'subnetId'] },
  // ec2/vpc_route.go
  'aws:ec2/route:Route': {
    replace: ['routeTableId', 'destinationCidrBlock', 'destinationIpv6CidrBlock', 'destinationPrefixListId'],
  },
  // ec2/vpc_route_table.go
  'aws:ec2/routeTable:RouteTable': { replace: ['vpcId'] },
  // ec2/vpc_route_table_association.go
  'aws:ec2/routeTableAssociation:RouteTableAssociation': { replace: ['subnetId', 'gatewayId'] },
  // ec2/vpc_security_group.go
  'aws:ec2/securityGroup:SecurityGroup': { replace: ['name', 'description', 'vpcId'] },
  // ec2/vpc_subnet.go
  'aws:ec2/subnet:Subnet': {
    replace: ['availabilityZone', 'availabilityZoneId', 'cidrBlock', 'vpcId', 'outpostArn', 'ipv6Native'],
  },
  // ec2/vpc_.go
  'aws:ec2/vpc:Vpc': { replace: ['cidrBlock', 'ipv4IpamPoolId'], may: ['instanceTenancy'] },
  // ec2/vpc_endpoint.go
  'aws:ec2/vpcEndpoint:VpcEndpoint': { replace: ['serviceName', 'vpcEndpointType', 'vpcId', 'serviceRegion'] },
  // ec2/vpc_security_group_ingress_rule.go
  'aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule': { replace: ['securityGroupId'] },
  // eks/access_entry.go
  'aws:eks/accessEntry:AccessEntry': { replace: ['clusterName', 'principalArn', 'type'] },
  // eks/access_policy_association.go: nothing of it is updated
  'aws:eks/accessPolicyAssociation:AccessPolicyAssociation': {
    replace: ['clusterName', 'principalArn', 'policyArn', 'accessScope'],
  },
  // eks/addon.go
  'aws:eks/addon:Addon': { replace: ['addonName', 'clusterName'] },
  // eks/cluster.go; AWS lowers no cluster's version outside a rollback of its own
  'aws:eks/cluster:Cluster': {
    replace: [
      'name',
      'roleArn',
      'bootstrapSelfManagedAddons',
      'accessConfig.bootstrapClusterCreatorAdminPermissions',
      'kubernetesNetworkConfig.ipFamily',
      'kubernetesNetworkConfig.serviceIpv4Cidr',
      'outpostConfig.controlPlaneInstanceType',
    ],
    may: ['encryptionConfig', 'computeConfig.nodeRoleArn', 'remoteNetworkConfig'],
    refuseLowered: ['version'],
  },
  // eks/node_group.go
  'aws:eks/nodeGroup:NodeGroup': {
    replace: [
      'amiType',
      'capacityType',
      'clusterName',
      'diskSize',
      'instanceTypes',
      'launchTemplate.id',
      'launchTemplate.name',
      'nodeGroupName',
      'nodeGroupNamePrefix',
      'nodeRoleArn',
      'remoteAccess',
      'subnetIds',
    ],
  },
  // eks/pod_identity_association.go
  'aws:eks/podIdentityAssociation:PodIdentityAssociation': { replace: ['clusterName', 'namespace', 'serviceAccount'] },
  // elasticache/parameter_group.go
  'aws:elasticache/parameterGroup:ParameterGroup': { replace: ['name', 'family', 'description'] },
  // elasticache/replication_group.go and its CustomizeDiff
  'aws:elasticache/replicationGroup:ReplicationGroup': {
    replace: [
      'atRestEncryptionEnabled',
      'dataTieringEnabled',
      'globalReplicationGroupId',
      'kmsKeyId',
      'networkType',
      'port',
      'replicationGroupId',
      'securityGroupNames',
      'snapshotArns',
      'snapshotName',
      'subnetGroupName',
    ],
    may: ['engine', 'transitEncryptionEnabled', 'numNodeGroups'],
    replaceLowered: ['engineVersion'],
  },
  // elasticache/subnet_group.go
  'aws:elasticache/subnetGroup:SubnetGroup': { replace: ['name'] },
  // iam/role.go
  'aws:iam/role:Role': { replace: ['name', 'path'] },
  // iam/role_policy.go
  'aws:iam/rolePolicy:RolePolicy': { replace: ['name', 'role'] },
  // iam/role_policy_attachment.go
  'aws:iam/rolePolicyAttachment:RolePolicyAttachment': { replace: ['role', 'policyArn'] },
  // kms/key.go
  'aws:kms/key:Key': {
    replace: ['customKeyStoreId', 'customerMasterKeySpec', 'keyUsage', 'multiRegion', 'xksKeyId'],
  },
  // s3/bucket.go
  'aws:s3/bucket:Bucket': { replace: ['bucket', 'objectLockEnabled'] },
  // s3/bucket_lifecycle_configuration.go
  'aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration': bucketPart,
  // s3/bucket_object_lock_configuration.go
  'aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration': bucketPart,
  // s3/bucket_ownership_controls.go
  'aws:s3/bucketOwnershipControls:BucketOwnershipControls': bucketPart,
  // s3/bucket_policy.go
  'aws:s3/bucketPolicy:BucketPolicy': bucketPart,
  // s3/bucket_public_access_block.go
  'aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock': bucketPart,
  // s3/bucket_server_side_encryption_configuration.go
  'aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration': bucketPart,
  // s3/bucket_versioning.go
  'aws:s3/bucketVersioning:BucketVersioning': bucketPart,
  // apps/v1 Deployment
  'kubernetes:apps/v1:Deployment': { replace: ['spec.selector'] },
  // apps/v1 StatefulSet
  'kubernetes:apps/v1:StatefulSet': {
    replace: [
      'spec.podManagementPolicy',
      'spec.revisionHistoryLimit',
      'spec.selector',
      'spec.serviceName',
      'spec.volumeClaimTemplates',
    ],
  },
  // no entry: everything in place
  'kubernetes:autoscaling/v2:HorizontalPodAutoscaler': {},
  // batch/v1 Job
  'kubernetes:batch/v1:Job': { replace: ['spec.completions', 'spec.parallelism', 'spec.selector', 'spec.template'] },
  // core/v1 ConfigMap; `immutable` is checked by the API (pkg/apis/core/validation)
  'kubernetes:core/v1:ConfigMap': { replace: ['data', 'binaryData', 'immutable'] },
  // no entry: everything in place
  'kubernetes:core/v1:Namespace': {},
  // core/v1 PersistentVolumeClaim; the rest of the spec is immutable for the API but for a larger request
  // (pkg/apis/core/validation, ValidatePersistentVolumeClaimUpdate)
  'kubernetes:core/v1:PersistentVolumeClaim': {
    replace: ['spec.accessModes', 'spec.selector', 'spec.storageClassName', 'spec.volumeName'],
    refuse: ['spec.dataSource', 'spec.dataSourceRef', 'spec.volumeMode'],
    refuseLowered: ['spec.resources.requests.storage'],
  },
  // core/v1 ResourceQuota
  'kubernetes:core/v1:ResourceQuota': { replace: ['spec.scopes'] },
  // core/v1 Secret
  'kubernetes:core/v1:Secret': { replace: ['type', 'stringData', 'data', 'immutable'] },
  // core/v1 Service
  'kubernetes:core/v1:Service': { replace: ['spec.clusterIP'] },
  // no entry: everything in place
  'kubernetes:core/v1:ServiceAccount': {},
  // no entry: everything in place
  'kubernetes:networking.k8s.io/v1:NetworkPolicy': {},
  // no entry for policy/v1: everything in place
  'kubernetes:policy/v1:PodDisruptionBudget': {},
  // storage.k8s.io/v1 StorageClass; the rest is immutable for the API (pkg/apis/storage/validation, ValidateStorageClassUpdate)
  'kubernetes:storage.k8s.io/v1:StorageClass': {
    replace: ['parameters', 'provisioner'],
    refuse: ['reclaimPolicy', 'volumeBindingMode'],
  },
  // pulumi-random: every argument is ForceNew
  'random:index/randomPassword:RandomPassword': {
    replace: [
      'keepers',
      'length',
      'lower',
      'minLower',
      'minNumeric',
      'minSpecial',
      'minUpper',
      'number',
      'numeric',
    ].concat(['overrideSpecial', 'special', 'upper']),
  },
  // pulumi-aws: another region is another provider
  'pulumi:providers:aws': { may: ['region'] },
  // pulumi-kubernetes: with a clusterIdentifier nothing else replaces the provider (docs of ProviderArgs)
  'pulumi:providers:kubernetes': { replace: ['clusterIdentifier'] },
  // stacks/local: the supervisor replaces a process without a failed request; its data lie in a folder
  'orrery:local:Environment': {},
  'orrery:local:Process': {},
  'orrery:local:Redis': {},
};
