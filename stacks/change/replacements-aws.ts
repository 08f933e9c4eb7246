import type { Replacements } from './replacement-table.ts';

/** Names and the region of anything of AWS: `ForceNew` in terraform-provider-aws wherever they are set at all. */
export const awsReplacements: readonly string[] = ['region', 'namePrefix', 'bucketPrefix'];

const bucketPart: Replacements = { replace: ['bucket', 'expectedBucketOwner'] };

/**
 * By type: the arguments that are `ForceNew` (or `RequiresReplace`) in the schema of terraform-provider-aws, internal/service/<file
 * named>.
 */
export const awsTypes: Readonly<Record<string, Replacements>> = {
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
  'aws:ec2/natGateway:NatGateway': {
    replace: ['allocationId', 'availabilityMode', 'connectivityType', 'privateIp', 'subnetId', 'vpcId'],
  },
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
  // acm/certificate.go: what was issued is never changed
  'aws:acm/certificate:Certificate': {
    replace: ['certificateAuthorityArn', 'domainName', 'keyAlgorithm', 'subjectAlternativeNames', 'validationMethod'],
  },
  // acm/certificate_validation.go
  'aws:acm/certificateValidation:CertificateValidation': { replace: ['certificateArn', 'validationRecordFqdns'] },
  // autoscaling/group.go
  'aws:autoscaling/group:Group': { replace: ['name', 'namePrefix', 'placementGroup'] },
  // budgets/budget.go
  'aws:budgets/budget:Budget': { replace: ['accountId', 'budgetType', 'name', 'timeUnit'] },
  // events/rule.go
  'aws:cloudwatch/eventRule:EventRule': { replace: ['name', 'eventBusName'] },
  // events/target.go
  'aws:cloudwatch/eventTarget:EventTarget': { replace: ['rule', 'eventBusName', 'targetId'] },
  // cloudwatch/metric_alarm.go
  'aws:cloudwatch/metricAlarm:MetricAlarm': { replace: ['name'] },
  // ce/anomaly_monitor.go
  'aws:costexplorer/anomalyMonitor:AnomalyMonitor': {
    replace: ['monitorType', 'monitorDimension', 'monitorSpecification'],
  },
  // ce/anomaly_subscription.go
  'aws:costexplorer/anomalySubscription:AnomalySubscription': { replace: ['name', 'accountId'] },
  // dynamodb/table.go; a table that is made again is empty
  'aws:dynamodb/table:Table': {
    replace: ['name', 'hashKey', 'rangeKey', 'localSecondaryIndexes', 'importTable'],
    may: ['attributes', 'streamViewType'],
  },
  // ec2/ec2_instance.go
  'aws:ec2/instance:Instance': {
    replace: ['ami', 'availabilityZone', 'associatePublicIpAddress', 'ebsBlockDevices', 'subnetId', 'keyName'],
    may: ['userData', 'instanceType', 'rootBlockDevice'],
  },
  // ec2/vpc_flow_log.go: nothing of it is updated
  'aws:ec2/flowLog:FlowLog': {
    replace: [
      'destinationOptions',
      'iamRoleArn',
      'logDestination',
      'logDestinationType',
      'logFormat',
      'maxAggregationInterval',
      'subnetId',
      'trafficType',
      'vpcId',
    ],
  },
  // ecr/repository_creation_template.go
  'aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate': { replace: ['prefix'] },
  // ecr/lifecycle_policy.go
  'aws:ecr/lifecyclePolicy:LifecyclePolicy': { replace: ['repository'], may: ['policy'] },
  // ecr/pull_through_cache_rule.go
  'aws:ecr/pullThroughCacheRule:PullThroughCacheRule': {
    replace: ['ecrRepositoryPrefix', 'upstreamRegistryUrl', 'upstreamRepositoryPrefix'],
  },
  // ecr/registry_scanning_configuration.go
  'aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration': {},
  // ecr/repository.go
  'aws:ecr/repository:Repository': { replace: ['name', 'encryptionConfigurations'] },
  // ecr/repository_policy.go
  'aws:ecr/repositoryPolicy:RepositoryPolicy': { replace: ['repository'] },
  // elasticache/user.go
  'aws:elasticache/user:User': { replace: ['userId', 'userName', 'engine'] },
  // elasticache/user_group.go
  'aws:elasticache/userGroup:UserGroup': { replace: ['userGroupId', 'engine'] },
  // elasticache/user_group_association.go
  'aws:elasticache/userGroupAssociation:UserGroupAssociation': { replace: ['userGroupId', 'userId'] },
  // emrcontainers/virtual_cluster.go: nothing of it is updated
  'aws:emrcontainers/virtualCluster:VirtualCluster': { replace: ['name', 'containerProvider'] },
  // iam/instance_profile.go
  'aws:iam/instanceProfile:InstanceProfile': { replace: ['name', 'path'] },
  // iam/policy.go
  'aws:iam/policy:Policy': { replace: ['name', 'path', 'description'] },
  // iam/service_linked_role.go
  'aws:iam/serviceLinkedRole:ServiceLinkedRole': { replace: ['awsServiceName', 'customSuffix'] },
  // kms/alias.go
  'aws:kms/alias:Alias': { replace: ['name'] },
  // kafka/cluster.go
  'aws:msk/cluster:Cluster': {
    replace: [
      'clusterName',
      'brokerNodeGroupInfo.clientSubnets',
      'brokerNodeGroupInfo.securityGroups',
      'encryptionInfo.encryptionAtRestKmsKeyArn',
      'encryptionInfo.encryptionInTransit.inCluster',
    ],
    may: ['kafkaVersion', 'brokerNodeGroupInfo.storageInfo'],
    refuseLowered: ['numberOfBrokerNodes'],
  },
  // kafka/configuration.go
  'aws:msk/configuration:Configuration': { replace: ['name', 'kafkaVersions'] },
  // kafka/scram_secret_association.go
  'aws:msk/scramSecretAssociation:ScramSecretAssociation': { replace: ['clusterArn'] },
  // rds/instance.go; AWS takes back neither storage nor a version
  'aws:rds/instance:Instance': {
    replace: [
      'availabilityZone',
      'backupTarget',
      'characterSetName',
      'customIamInstanceProfile',
      'dbName',
      'engine',
      'identifierPrefix',
      'kmsKeyId',
      'ncharCharacterSetName',
      'restoreToPointInTime',
      's3Import',
      'snapshotIdentifier',
      'storageEncrypted',
      'timezone',
      'username',
    ],
    refuseLowered: ['allocatedStorage', 'engineVersion'],
  },
  // rds/parameter_group.go
  'aws:rds/parameterGroup:ParameterGroup': { replace: ['name', 'family', 'description'] },
  // rds/subnet_group.go
  'aws:rds/subnetGroup:SubnetGroup': { replace: ['name'] },
  // route53/record.go
  'aws:route53/record:Record': { replace: ['zoneId', 'setIdentifier'], may: ['name', 'type'] },
  // s3/bucket_intelligent_tiering_configuration.go
  'aws:s3/bucketIntelligentTieringConfiguration:BucketIntelligentTieringConfiguration': { replace: ['bucket', 'name'] },
  // s3/bucket_logging.go
  'aws:s3/bucketLogging:BucketLogging': bucketPart,
  // s3/bucket_metric.go
  'aws:s3/bucketMetric:BucketMetric': { replace: ['bucket', 'name'] },
  // s3/bucket_notification.go
  'aws:s3/bucketNotification:BucketNotification': bucketPart,
  // secretsmanager/secret.go
  'aws:secretsmanager/secret:Secret': { replace: ['name'] },
  // secretsmanager/secret_policy.go
  'aws:secretsmanager/secretPolicy:SecretPolicy': { replace: ['secretArn'] },
  // secretsmanager/secret_version.go
  'aws:secretsmanager/secretVersion:SecretVersion': { replace: ['secretId', 'secretBinary'], may: ['secretString'] },
  // sns/topic.go
  'aws:sns/topic:Topic': { replace: ['name', 'fifoTopic'] },
  // sns/topic_policy.go
  'aws:sns/topicPolicy:TopicPolicy': { replace: ['arn'] },
  // sns/topic_subscription.go
  'aws:sns/topicSubscription:TopicSubscription': { replace: ['endpoint', 'protocol', 'topic'] },
  // sqs/queue.go
  'aws:sqs/queue:Queue': { replace: ['name', 'fifoQueue'] },
  // sqs/queue_policy.go
  'aws:sqs/queuePolicy:QueuePolicy': { replace: ['queueUrl'] },
  // ec2/vpc_security_group_egress_rule.go
  'aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule': { replace: ['securityGroupId'] },
};
