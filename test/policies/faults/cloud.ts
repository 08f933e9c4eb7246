import { add, mutantsOf, set } from '../mutant.ts';
import { resource, tags } from '../exemplar.ts';

const { owner: _, ...ownerless } = tags;

function allowing(statement: Record<string, unknown>): Record<string, unknown> {
  return { policy: JSON.stringify({ Statement: [{ Effect: 'Allow', ...statement }] }) };
}

export const cloudFaults = [
  ...mutantsOf('control-plane-guarded', [
    [
      'the audit log is off',
      set('cluster', { enabledClusterLogTypes: ['api', 'authenticator', 'controllerManager', 'scheduler'] }),
      'cluster enabledClusterLogTypes',
    ],
    [
      'the old config map still admits people',
      set('cluster', { authenticationMode: 'API_AND_CONFIG_MAP' }),
      'cluster authenticationMode',
    ],
    [
      'nodes reach the API by the internet',
      set('cluster', { endpointPrivateAccess: undefined }),
      'cluster endpointPrivateAccess',
    ],
    ['support is extended', set('cluster', { upgradePolicy: undefined }), 'cluster upgradePolicy.supportType'],
  ]),
  ...mutantsOf('least-privilege', [
    [
      'a role reads every bucket',
      set('role-policy', allowing({ Action: 's3:GetObject', Resource: '*' })),
      'role-policy policy.Statement[0]',
    ],
    [
      'a role may do everything to everything',
      set('role-policy', allowing({ Action: '*', Resource: '*' })),
      'role-policy policy.Statement[0]',
    ],
    [
      'a role opens every secret, by a long name',
      set(
        'role-policy',
        allowing({ Action: ['secretsmanager:GetSecretValue'], Resource: ['arn:aws:secretsmanager:*:*:*'] }),
      ),
      'role-policy policy.Statement[0]',
    ],
    [
      'a role deletes any volume',
      set('role-policy', allowing({ Action: ['ec2:DescribeVolumes', 'ec2:DeleteVolume'], Resource: '*' })),
      'role-policy policy.Statement[0]',
    ],
    [
      'a role may do what is not named',
      set('role-policy', allowing({ NotAction: 'iam:*', Resource: ['${store-bucket.arn}'] })),
      'role-policy policy.Statement[0]',
    ],
    [
      'anybody may become a role',
      set('role', { assumeRolePolicy: '{"Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}}' }),
      'role assumeRolePolicy',
    ],
    [
      'a role administrates the account',
      set('role-attachment', { policyArn: 'arn:aws:iam::aws:policy/AdministratorAccess' }),
      'role-attachment policyArn',
    ],
  ]),
  ...mutantsOf('mandatory-tags', [
    [
      'the provider forgets the owner',
      set('aws', { defaultTags: JSON.stringify({ tags: ownerless }) }),
      'aws defaultTags.tags.owner',
    ],
    [
      'a queue is made by another provider',
      { into: 'arrivals', change: { providers: ['aws-east'] } },
      'arrivals provider',
    ],
    [
      'disks are not tagged',
      set('template', { tagSpecifications: [{ resourceType: 'instance', tags }] }),
      'template tagSpecifications.volume',
    ],
    ['Karpenter’s machines are not tagged', set('node-class', { 'spec.tags': undefined }), 'node-class spec.tags'],
  ]),
  ...mutantsOf('spending-watched', [
    ['there is no budget', { remove: 'budget' }, 'graph budget'],
    [
      'the budget tells nobody',
      set('budget', { notifications: [{ threshold: 80, subscriberEmailAddresses: [] }] }),
      'budget notifications',
    ],
    ['nobody reads of anomalies', { remove: 'anomaly-readers' }, 'anomalies subscription'],
  ]),
  ...mutantsOf('no-physical-names', [
    ['a bucket is named', set('store-bucket', { bucket: 'orrery-store' }), 'store-bucket bucket'],
    ['a role is named', set('role', { name: 'orrery-scoring' }), 'role name'],
  ]),
  ...mutantsOf('logs-kept', [
    [
      'logs of the cluster are kept for a month',
      set('cluster-logs', { retentionInDays: 30 }),
      'cluster-logs retentionInDays',
    ],
    ['logs are kept for ever', set('cluster-logs', { retentionInDays: undefined }), 'cluster-logs retentionInDays'],
    [
      'logs of packets are kept for a day',
      { add: resource('aws:cloudwatch/logGroup:LogGroup', 'packets', { kmsKeyId: '${key.arn}', retentionInDays: 1 }) },
      'packets retentionInDays',
    ],
  ]),
  ...mutantsOf('deletion-refused', [
    [
      'the cluster may be deleted in the console',
      set('cluster', { deletionProtection: undefined }),
      'cluster deletionProtection',
    ],
    [
      'the registry may be deleted',
      set('registry', { deletionProtectionEnabled: false }),
      'registry deletionProtectionEnabled',
    ],
  ]),
  ...mutantsOf('providers-safe', [
    [
      'what can not be reached is forgotten',
      set('kubernetes', { deleteUnreachable: 'true' }),
      'kubernetes deleteUnreachable',
    ],
    [
      'a new address is a new cluster',
      set('kubernetes', { clusterIdentifier: undefined }),
      'kubernetes clusterIdentifier',
    ],
    [
      'others are overwritten',
      set('kubernetes', { enableServerSideApply: 'false' }),
      'kubernetes enableServerSideApply',
    ],
  ]),
  ...mutantsOf('versions-pinned', [
    ['a chart has no version', set('keda', { version: undefined }), 'keda version'],
    ['a chart follows a range', set('keda', { version: '~2.18' }), 'keda version'],
    ['a chart’s image is the latest', set('keda', { 'values.image.tag': 'latest' }), 'keda values.image.tag'],
    ['an addon follows AWS', set('dns', { addonVersion: undefined }), 'dns addonVersion'],
    [
      'machines are whatever is newest',
      set('node-class', { 'spec.amiSelectorTerms': [{ alias: 'bottlerocket@latest' }] }),
      'node-class spec.amiSelectorTerms[0]',
    ],
    [
      'machines are found by their name',
      set('node-class', { 'spec.amiSelectorTerms': [{ name: 'my-image-*' }] }),
      'node-class spec.amiSelectorTerms[0]',
    ],
    [
      'a group follows its template',
      set('spot-group', { 'launchTemplate.version': '$Latest' }),
      'spot-group launchTemplate.version',
    ],
    ['Redis follows AWS', set('redis-state-group', { engineVersion: undefined }), 'redis-state-group engineVersion'],
    ['a chart hides what it makes', add('kubernetes:helm.sh/v4:Chart', 'hidden', { version: '1.0.0' }), 'hidden type'],
  ]),
];
