import * as kubernetes from '@pulumi/kubernetes';
import { ComponentResource, type ComponentResourceOptions, type Output } from '@pulumi/pulumi';
import { PlanError } from '../errors.ts';
import {
  allowPeers,
  allowPodIdentity,
  allowTls,
  unprivilegedPorts,
  type Allowance,
} from '../planning/platform/network-policy.ts';
import {
  assertTenant,
  planTenantLimits,
  planTenantQuota,
  planTenantRole,
  tenantLabels,
  type TenantQuota,
  type TenantTier,
} from '../planning/tenant/tenants.ts';
import { Namespace } from '../platform/namespace.ts';
import { createTenantKafka, type TenantKafka } from './kafka-access.ts';
import { createTenantIdentity, type TenantIdentity } from './identity.ts';
import { createTenantRedis, type TenantRedis } from './redis-access.ts';

export interface TenantArgs {
  /** 3 to 24 lower case letters, digits and hyphens, not `main`. */
  readonly tenant: string;
  /** Its share of the bus: `standard` or `premium`. */
  readonly tier: TenantTier;
  /** What its pods may ask for together. */
  readonly quota: TenantQuota;
  /** Groups of Kubernetes whose members run the tenant's workloads. At least one. */
  readonly administrators: readonly string[];
  /** Whom its pods may talk to, for example the services' gateway. Default: nobody but each other. */
  readonly network?: readonly Allowance[];
  /** Its place in a bucket. Default: no identity in AWS. */
  readonly identity?: TenantIdentity;
  /** Its user in Redis. Default: none. */
  readonly redis?: TenantRedis;
  /** Its user in Kafka. Default: none. */
  readonly kafka?: TenantKafka;
}

/** The ServiceAccount that a tenant's pods name. */
export const workloadAccount = 'workload';

/**
 * Whom the platform serves, kept apart from everybody else: a namespace closed by default under the restricted standard, limits of what
 * it may use, the rights of its people, and users of its own in the stores that it shares.
 * Cost driver: what its pods ask for, within the quota.
 * Refuses: the name `main`, a quota of nothing, administrators that are nobody.
 */
export class Tenant extends ComponentResource {
  readonly namespaceName: Output<string>;

  constructor(name: string, args: TenantArgs, options?: ComponentResourceOptions) {
    super('orrery:tenant:Tenant', name, {}, options);
    assertTenant(args.tenant);
    assertAdministrators(args);
    const hard = planTenantQuota(args.quota);
    const limits = planTenantLimits(args.quota);
    const space = new Namespace(
      `${name}-space`,
      {
        namespaceName: `tenant-${args.tenant}`,
        podSecurity: 'restricted',
        admission: true,
        labels: tenantLabels(args.tenant, args.tier),
        network: networkOf(args),
      },
      { parent: this },
    );
    this.namespaceName = space.namespaceName;
    const metadata = { namespace: this.namespaceName };
    new kubernetes.core.v1.ResourceQuota(`${name}-quota`, { metadata, spec: { hard } }, { parent: this });
    new kubernetes.core.v1.LimitRange(`${name}-limits`, { metadata, spec: limits }, { parent: this });
    this.#createRights(name, args.administrators);
    const account = new kubernetes.core.v1.ServiceAccount(
      `${name}-account`,
      { metadata: { ...metadata, name: workloadAccount }, automountServiceAccountToken: false },
      { parent: this },
    );
    const made = { tenant: args.tenant, namespace: this.namespaceName };
    if (args.identity !== undefined) {
      createTenantIdentity(this, name, { ...made, ...args.identity, serviceAccount: account.metadata.name });
    }
    if (args.redis !== undefined) createTenantRedis(this, name, { ...made, redis: args.redis });
    if (args.kafka !== undefined) createTenantKafka(this, name, { ...made, tier: args.tier, kafka: args.kafka });
    this.registerOutputs({ namespaceName: this.namespaceName });
  }

  #createRights(name: string, administrators: readonly string[]): void {
    const metadata = { namespace: this.namespaceName };
    const role = new kubernetes.rbac.v1.Role(`${name}-role`, { metadata, rules: planTenantRole() }, { parent: this });
    new kubernetes.rbac.v1.RoleBinding(
      `${name}-administrators`,
      {
        metadata,
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: role.metadata.name },
        subjects: administrators.map(subjectOf),
      },
      { parent: this },
    );
  }
}

/** A tenant's pods talk to each other, to whom the platform names, and to AWS where they have a role there. */
function networkOf({ network = [], identity }: TenantArgs): Record<string, readonly Allowance[]> {
  const inside = [
    allowPeers({ from: [{}], ports: [unprivilegedPorts] }),
    allowPeers({ to: [{}], ports: [unprivilegedPorts] }),
  ];
  return {
    inside,
    ...(network.length === 0 ? {} : { peers: network }),
    ...(identity === undefined ? {} : { cloud: [allowPodIdentity(), allowTls()] }),
  };
}

function assertAdministrators({ tenant, administrators }: TenantArgs): void {
  // What the API server grants to itself and to everybody is no tenant's.
  const refused = administrators.find((group) => group.startsWith('system:') || group.trim() === '');
  if (administrators.length > 0 && refused === undefined) return;
  throw new PlanError({
    code: 'TENANT_ADMINISTRATORS',
    message: `the tenant ${tenant} is administered by ${refused ?? 'nobody'}`,
    hint: 'name groups of your own',
  });
}

function subjectOf(group: string): kubernetes.types.input.rbac.v1.Subject {
  return { apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: group };
}
