import Type, { type Static } from 'typebox';
import { assertTenant, planTenantGpus, planTenantQuota } from '#infra/planning/tenant/tenants.ts';
import { Choice, closed, Count, Text } from './fields.ts';
import { planned, type SettingsRule } from './problem.ts';

const Tenant = Type.Object(
  {
    tier: Choice(['standard', 'premium'], 'standard or premium: its share of the bus'),
    cpu: Type.Number({ minimum: 0.5, maximum: 10_000, description: 'cores that its pods may ask for, at least 0.5' }),
    memoryGiB: Count(1, 100_000, 'memory that its pods may ask for, in GiB'),
    gpus: Count(0, 1000, 'whole GPUs of gpuMax that are kept for it; 0 for none'),
    pods: Count(1, 10_000, 'pods at a time'),
    storageGiB: Count(0, 1_000_000, 'volumes, in GiB; 0 for none'),
    administrators: Type.Array(Text('^(?!system:)\\S{1,128}$', 'a group of Kubernetes of your own, not of system:'), {
      minItems: 1,
      uniqueItems: true,
      description: 'the groups of Kubernetes whose members run its workloads',
    }),
  },
  closed,
);

export const tenantSettings = {
  tenants: Type.Record(Type.String(), Tenant, {
    maxProperties: 200,
    description: 'whom the platform serves, by name; {} for nobody but the platform itself (main)',
  }),
};
export type TenantSettings = Static<ReturnType<typeof Type.Object<typeof tenantSettings>>>;

export const tenantRules: readonly SettingsRule<TenantSettings & { readonly gpuMax: number }>[] = [
  {
    reads: ['tenants'],
    find: ({ tenants }) =>
      Object.entries(tenants).flatMap(([tenant, quota]) => [
        ...planned(`tenants.${tenant}`, tenant, () => {
          assertTenant(tenant);
        }),
        ...planned(`tenants.${tenant}`, quota, () => planTenantQuota(quota)),
      ]),
  },
  {
    reads: ['tenants', 'gpuMax'],
    find: ({ tenants, gpuMax }) => {
      const gpus = Object.values(tenants).map((tenant) => tenant.gpus);
      return planned('tenants', gpus, () => planTenantGpus(gpus, gpuMax));
    },
  },
];
