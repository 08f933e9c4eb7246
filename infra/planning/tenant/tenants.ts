import type { types } from '@pulumi/kubernetes';
import { PlanError } from '#infra/errors.ts';

/** What a tenant's pods may ask for, all together. */
export interface TenantQuota {
  /** Cores, requested. At least 0.5. */
  readonly cpu: number;
  /** Memory, requested and as limit, in GiB. At least 1. */
  readonly memoryGiB: number;
  /** GPUs, or shares of them where they are shared. 0 for none. */
  readonly gpus: number;
  /** At least 1. */
  readonly pods: number;
  /** Volumes, in GiB. 0 for none. */
  readonly storageGiB: number;
}

/** The class of a tenant: how much of the shared bus it may use. */
export type TenantTier = 'standard' | 'premium';

/** Whom everything belongs to that no tenant has claimed: it is the platform's own, and lives in the services' namespace. */
export const reservedTenant = 'main';

/** Labels of a tenant's namespace; the second is the same for all, so that services can let every tenant in. */
export const tenantLabels = (tenant: string, tier: TenantTier) => ({
  'orrery.dev/tenant': tenant,
  'app.kubernetes.io/component': 'tenant',
  'orrery.dev/tier': tier,
});
export const anyTenantLabels = { 'app.kubernetes.io/component': 'tenant' } as const;

/** Names of namespaces, users and topics are made of it: 3 to 24 letters, digits and hyphens. */
export function assertTenant(tenant: string): void {
  if (tenant === reservedTenant) {
    throw refuse('TENANT_RESERVED', `the tenant "${tenant}" is the platform itself`, 'give it another name');
  }
  if (!/^[a-z][a-z0-9-]{1,22}[a-z0-9]$/.test(tenant)) {
    const hint = 'use 3 to 24 lower case letters, digits and hyphens, beginning with a letter';
    throw refuse('TENANT_NAME_INVALID', `"${tenant}" names no tenant`, hint);
  }
}

/** What is left of the GPUs for the platform's own workers. Refuses more for the tenants than there are. */
export function planTenantGpus(gpusOfTenants: readonly number[], gpus: number): number {
  const asked = gpusOfTenants.reduce((sum, count) => sum + count, 0);
  if (asked <= gpus) return gpus - asked;
  const message = `tenants may ask for ${asked} GPUs of ${gpus}`;
  throw refuse('TENANT_GPUS', message, 'lower theirs, or raise gpuMax: above the cap pods wait for ever');
}

/** The hard limits of `ResourceQuota`. */
export function planTenantQuota(quota: TenantQuota): Record<string, string> {
  assertQuota(quota);
  const memory = `${quota.memoryGiB}Gi`;
  return {
    'requests.cpu': String(quota.cpu),
    'requests.memory': memory,
    'limits.memory': memory,
    pods: String(quota.pods),
    'requests.storage': `${quota.storageGiB}Gi`,
    'requests.nvidia.com/gpu': String(quota.gpus),
    // What leads out of the cluster is the gateway's matter alone.
    'services.loadbalancers': '0',
    'services.nodeports': '0',
  };
}

/** What a container is given that says nothing, and the most that one may ask for: a quarter, so that one pod can't take all. */
export function planTenantLimits(quota: TenantQuota): types.input.core.v1.LimitRangeSpec {
  assertQuota(quota);
  const most = { cpu: `${Math.ceil(quota.cpu * 250)}m`, memory: `${Math.ceil(quota.memoryGiB * 256)}Mi` };
  return {
    limits: [
      {
        type: 'Container',
        defaultRequest: { cpu: '100m', memory: '128Mi' },
        default: { memory: '256Mi' },
        max: most,
      },
    ],
  };
}

/** What people of a tenant may do in its namespace: run workloads, read everything but Secrets, change no rights and no limits. */
export function planTenantRole(): types.input.rbac.v1.PolicyRule[] {
  const work = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'];
  const look = ['get', 'list', 'watch'];
  return [
    { apiGroups: [''], resources: ['pods', 'configmaps', 'services', 'persistentvolumeclaims'], verbs: work },
    { apiGroups: ['apps'], resources: ['deployments', 'statefulsets'], verbs: work },
    { apiGroups: ['batch'], resources: ['jobs', 'cronjobs'], verbs: work },
    { apiGroups: ['autoscaling'], resources: ['horizontalpodautoscalers'], verbs: work },
    { apiGroups: ['policy'], resources: ['poddisruptionbudgets'], verbs: work },
    { apiGroups: [''], resources: ['pods/log', 'events', 'resourcequotas', 'limitranges'], verbs: look },
    { apiGroups: ['apps'], resources: ['replicasets'], verbs: look },
    { apiGroups: ['networking.k8s.io'], resources: ['networkpolicies'], verbs: look },
  ];
}

/** The user of a tenant in Redis and Kafka. */
export function tenantUser(tenant: string): string {
  return `tenant-${tenant}`;
}

/**
 * The rules of Redis for a tenant's user: it reads and writes the keys that bear its name in braces, and sees no others. SCAN and its
 * like are taken away, because they tell the names of everybody's keys.
 */
export function planRedisAccess(tenant: string): string {
  assertTenant(tenant);
  const keys = [`~queue:campaigns:{${tenant}}`, `~rl:{${tenant}}:*`, `~tenant:{${tenant}}:*`];
  const commands = '-@all +@read +@write +@connection +@transaction -@dangerous -@pubsub -scan -randomkey -dbsize';
  return `on ${keys.join(' ')} ${commands}`;
}

/** What a tier may move over the bus, in bytes a second and broker, and its share of the brokers' threads. */
const busOfTier: Readonly<Record<TenantTier, { readonly bytes: number; readonly percent: number }>> = {
  standard: { bytes: 1_048_576, percent: 10 },
  premium: { bytes: 10_485_760, percent: 40 },
};

/** `kafka.strimzi.io/v1beta2 KafkaUser`: topics and groups that begin with `tenant.<tenant>.`, and no others. */
export function planKafkaUser(tenant: string, tier: TenantTier) {
  assertTenant(tenant);
  const { bytes, percent } = busOfTier[tier];
  const own = (type: 'topic' | 'group' | 'transactionalId') => {
    // The dot ends the name: `tenant.north.` is no beginning of `tenant.north-sea.`.
    return { type, name: `tenant.${tenant}.`, patternType: 'prefix' };
  };
  return {
    authentication: { type: 'scram-sha-512' },
    authorization: {
      type: 'simple',
      acls: [
        { resource: own('topic'), operations: ['Read', 'Write', 'Describe', 'DescribeConfigs'], host: '*' },
        { resource: own('group'), operations: ['Read', 'Describe'], host: '*' },
        { resource: own('transactionalId'), operations: ['Write', 'Describe'], host: '*' },
      ],
    },
    quotas: { producerByteRate: bytes, consumerByteRate: bytes, requestPercentage: percent },
  };
}

function assertQuota(quota: TenantQuota): void {
  const { cpu, memoryGiB, gpus, pods, storageGiB } = quota;
  const whole = [gpus, pods, storageGiB].every((count) => Number.isInteger(count) && count >= 0);
  if (whole && cpu >= 0.5 && memoryGiB >= 1 && pods >= 1) return;
  const message = `a tenant's quota is ${JSON.stringify(quota)}`;
  throw refuse('TENANT_QUOTA', message, 'at least half a core, 1 GiB and 1 pod; whole GPUs, pods and GiB of volumes');
}

function refuse(code: string, message: string, hint: string): PlanError {
  return new PlanError({ code, message, hint });
}
