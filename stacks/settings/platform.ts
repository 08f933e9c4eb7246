import Type, { type Static } from 'typebox';
import { planSourceRanges } from '#infra/planning/platform/gateway.ts';
import { Choice, closed, Count, OneForm, Text } from './fields.ts';
import { planned, problem, unless, type SettingsProblem, type SettingsRule } from './problem.ts';

const AllowedCidrs = Type.Array(
  Text('^(anyone|(\\d{1,3}\\.){3}\\d{1,3}/\\d{1,2})$', 'an address range such as 10.20.0.0/16, or anyone'),
  { uniqueItems: true, description: 'the address ranges that may connect, or the word anyone alone' },
);
const none = (meaning: string) => Type.Object({ kind: Type.Literal('none') }, { ...closed, description: meaning });
const DomainName = Text('^[a-z0-9-]+(\\.[a-z0-9-]+)+$', 'a domain name, below which every host lies');

const operators = Type.Object(
  {
    replicas: Count(
      1,
      5,
      'copies of each program that the platform stands on; from 2 on the loss of a node is survived',
    ),
  },
  { ...closed, description: 'how the programs are run that the platform stands on' },
);

/** Those of a cloud of its own. */
export const platformSettings = {
  operators,
  gateway: OneForm(
    [
      none('nothing is reached from outside the cluster'),
      Type.Object(
        {
          kind: Type.Literal('alb'),
          scheme: Choice(['internal', 'internet-facing'], 'internal: inside the network alone; internet-facing'),
          allowedCidrs: AllowedCidrs,
          webAcl: Text(
            '^(none|arn:aws:wafv2:[a-z0-9-]+:\\d{12}:regional/webacl/.+)$',
            'none, or the ARN of a regional web ACL of WAFv2',
          ),
          deletionProtection: Type.Boolean({
            description: 'true or false: whether AWS refuses to delete the balancer',
          }),
        },
        closed,
      ),
    ],
    'none, or alb: an application load balancer of AWS',
  ),
  domain: OneForm(
    [
      none('there are no names'),
      Type.Object(
        {
          kind: Type.Literal('route53'),
          name: DomainName,
          zoneId: Text('^Z[A-Z0-9]{8,32}$', 'the id of the public hosted zone of Route 53 in which the domain lies'),
        },
        closed,
      ),
    ],
    'none, or route53: a domain in a hosted zone of this account',
  ),
  secrets: OneForm(
    [
      none('no secret comes from outside: the program makes those that it needs'),
      Type.Object(
        {
          kind: Type.Literal('secrets-manager'),
          refreshMinutes: Count(60, 1440, 'minutes between two looks at a secret, at least 60: each is paid for'),
        },
        closed,
      ),
    ],
    'none, or secrets-manager: what people put below orrery/<env>/ in AWS Secrets Manager',
  ),
};
export type PlatformSettings = Static<ReturnType<typeof Type.Object<typeof platformSettings>>>;

/** Those of a Kubernetes that is there already. */
export const kubernetesPlatformSettings = {
  operators,
  gateway: OneForm(
    [
      none('nothing is reached from outside the cluster'),
      Type.Object(
        {
          kind: Type.Literal('envoy'),
          exposure: Choice(
            ['LoadBalancer', 'NodePort', 'ClusterIP'],
            'LoadBalancer where the cluster has one, NodePort, or ClusterIP: from inside alone',
          ),
          allowedCidrs: AllowedCidrs,
        },
        closed,
      ),
    ],
    'none, or envoy: pods of Envoy',
  ),
  domain: OneForm(
    [
      none('there are no names'),
      Type.Object({ kind: Type.Literal('self-signed'), name: DomainName }, closed),
      Type.Object(
        {
          kind: Type.Literal('acme'),
          name: DomainName,
          email: Text('^[^@\\s]+@[^@\\s]+$', 'whom the authority warns before a certificate ends'),
        },
        closed,
      ),
    ],
    'none, self-signed: certificates of the cluster’s own, or acme: of a public authority',
  ),
};
export type KubernetesPlatformSettings = Static<ReturnType<typeof Type.Object<typeof kubernetesPlatformSettings>>>;

type Domain = PlatformSettings['domain'] | KubernetesPlatformSettings['domain'];

/** A gateway answers by TLS alone, so it needs a name to be certified. */
function findUnnamed(kind: string, domain: Domain): SettingsProblem[] {
  return unless(
    kind === 'none' || domain.kind !== 'none',
    problem('domain', domain, 'certifies no name for the gateway', 'name a domain, or set gateway to kind: none'),
  );
}

export const platformRules: readonly SettingsRule<PlatformSettings>[] = [
  { reads: ['gateway', 'domain'], find: ({ gateway, domain }) => findUnnamed(gateway.kind, domain) },
  {
    reads: ['gateway'],
    find: ({ gateway }) =>
      gateway.kind === 'none'
        ? []
        : planned('gateway.allowedCidrs', gateway.allowedCidrs, () => planSourceRanges(gateway)),
  },
  {
    reads: ['gateway'],
    find: ({ gateway }, environment) =>
      unless(
        environment !== 'prod' || gateway.kind === 'none' || gateway.deletionProtection,
        problem('gateway.deletionProtection', false, 'lets a mistake cut everyone off', 'true in prod'),
      ),
  },
  { reads: ['operators'], find: findSingleOperators },
];

export const kubernetesPlatformRules: readonly SettingsRule<KubernetesPlatformSettings>[] = [
  { reads: ['gateway', 'domain'], find: ({ gateway, domain }) => findUnnamed(gateway.kind, domain) },
  {
    reads: ['gateway'],
    find: ({ gateway }) => {
      if (gateway.kind === 'none') return [];
      const access = { scheme: 'internet-facing', allowedCidrs: gateway.allowedCidrs } as const;
      return planned('gateway.allowedCidrs', gateway.allowedCidrs, () => planSourceRanges(access));
    },
  },
  { reads: ['operators'], find: findSingleOperators },
];

function findSingleOperators(
  { operators: { replicas } }: Pick<PlatformSettings, 'operators'>,
  environment: string,
): SettingsProblem[] {
  return unless(
    environment !== 'prod' || replicas >= 2,
    problem('operators.replicas', replicas, 'stops the platform with one node', 'at least 2 in prod'),
  );
}
