import { valuesAt, type LocatedValue, type Resource } from './graph.ts';
import { statementsOf, type Statement } from './policy-document.ts';
import { violationAt, type Rule, type Violation } from './rule.ts';

/** Services whose actions touch what people stored, or let somebody become somebody else. */
const dataServices: readonly string[] = [
  'dynamodb',
  'ecr',
  'elasticache',
  'iam',
  'kafka-cluster',
  'kms',
  'logs',
  's3',
  'secretsmanager',
  'sns',
  'sqs',
  'ssm',
  'sts',
];

/** Actions that know no resource, or that tell names alone. */
const withoutResource: readonly string[] = [
  'dynamodb:ListTables',
  'ecr:GetAuthorizationToken',
  'iam:ListInstanceProfiles',
  'kms:ListAliases',
  'kms:ListKeys',
  'logs:DescribeLogGroups',
  's3:ListAllMyBuckets',
  'secretsmanager:BatchGetSecretValue',
  'secretsmanager:ListSecrets',
  'sns:ListTopics',
  'sqs:ListQueues',
  'ssm:DescribeParameters',
  'sts:GetCallerIdentity',
];

const documents: Readonly<Record<string, readonly string[]>> = {
  'aws:iam/policy:Policy': ['policy'],
  'aws:iam/rolePolicy:RolePolicy': ['policy'],
  'aws:iam/role:Role': ['inlinePolicies[].policy'],
};

const destroys = /^[a-z0-9-]+:(Delete|Terminate|Detach)/;
const everything = /^(\*|arn:[^:]*:[^:]*:[^:]*:[^:]*:\*)$/;
const broadManaged = /\/(AdministratorAccess|PowerUserAccess|IAMFullAccess|\w+FullAccess)$/;

export const leastPrivilege: Rule = {
  name: 'least-privilege',
  why: 'one stolen token of a pod opens every bucket, key and secret of the account',
  remedy: 'name the resources: allow() of infra/planning/iam.ts; where AWS wants *, narrow by a condition on tags',
  scope: 'resource',
  check: ({ resources }) => resources.flatMap(checkResource),
};

function checkResource(resource: Resource): Violation[] {
  const { type, inputs } = resource;
  return [
    ...(documents[type] ?? []).flatMap((path) => valuesAt(inputs, path)).flatMap((one) => checkPolicy(resource, one)),
    ...(type === 'aws:iam/role:Role' ? checkTrust(resource) : []),
    ...(type === 'aws:iam/rolePolicyAttachment:RolePolicyAttachment' ? checkAttachment(resource) : []),
  ];
}

function checkPolicy(resource: Resource, { property, value }: LocatedValue): Violation[] {
  const statements = statementsOf(value);
  if (statements === undefined) return [violationAt(resource, { property, value }, 'can not be read')];
  return statements.flatMap((statement, index) =>
    problemsOf(statement).map(([found, problem]) =>
      violationAt(resource, { property: `${property}.Statement[${index}]`, value: found }, problem),
    ),
  );
}

function problemsOf(statement: Statement): [found: string, problem: string][] {
  const { effect, actions, resources, conditions, inverted } = statement;
  if (effect !== 'Allow') return [];
  const grants = inverted.map((key): [string, string] => [key, 'grants whatever it does not name']);
  if (!resources.some((one) => everything.test(one))) return grants;
  const isNarrowed = Object.keys(conditions).length > 0;
  return [
    ...grants,
    ...actions.filter(isWild).map((action): [string, string] => [action, 'allows everything on everything']),
    ...actions
      .filter((action) => !isWild(action) && touchesData(action))
      .map((action): [string, string] => [action, 'touches the data of the whole account']),
    ...(isNarrowed ? [] : actions.filter((action) => !touchesData(action) && destroys.test(action))).map(
      (action): [string, string] => [action, 'destroys what others own'],
    ),
  ];
}

function isWild(action: string): boolean {
  return action === '*' || action.endsWith(':*');
}

function touchesData(action: string): boolean {
  const [service = ''] = action.split(':');
  return dataServices.includes(service) && !withoutResource.includes(action);
}

function checkTrust(resource: Resource): Violation[] {
  const value = resource.inputs['assumeRolePolicy'];
  const open = (statementsOf(value) ?? []).some(
    ({ effect, principals, conditions }) =>
      effect === 'Allow' && principals.includes('*') && Object.keys(conditions).length === 0,
  );
  return open ? [violationAt(resource, { property: 'assumeRolePolicy', value }, 'lets anybody become it')] : [];
}

function checkAttachment(resource: Resource): Violation[] {
  const value = resource.inputs['policyArn'];
  if (typeof value !== 'string' || !broadManaged.test(value)) return [];
  return [violationAt(resource, { property: 'policyArn', value }, 'allows more than any of our programs needs')];
}
