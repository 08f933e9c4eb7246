import type { Output } from '@pulumi/pulumi';
import { allowPeers } from '#infra/planning/platform/network-policy.ts';
import { servicePort } from '#infra/planning/service/workload.ts';
import { Tenant, type TenantArgs } from '#infra/tenant/tenant.ts';
import type { TenantSettings } from '../settings/tenants.ts';
import type { KubernetesLayer } from './layers.ts';
import { namespaceNames } from './namespace.ts';

export interface TenantsRequest {
  readonly settings: TenantSettings;
  readonly kubernetes: KubernetesLayer;
  /** How many pods share a GPU: a tenant's whole GPUs become as many shares. 1: none is shared. */
  readonly sharesPerGpu: number;
  /** Places and users in the shared stores. Default: none, so that tenants reach the stores by the gateway's API alone. */
  readonly stores?: (tenant: string) => Pick<TenantArgs, 'identity' | 'redis' | 'kafka'>;
}

/** Whom the platform serves beside itself; the namespaces that they have. */
export function createTenants(request: TenantsRequest): Readonly<Record<string, Output<string>>> {
  const { providers } = request.kubernetes;
  const front = { namespace: namespaceNames.services, labels: { 'app.kubernetes.io/name': 'gateway' } };
  const made = Object.entries(request.settings.tenants).map(([tenant, { tier, administrators, gpus, ...quota }]) => {
    const component = new Tenant(
      `tenant-${tenant}`,
      {
        tenant,
        tier,
        administrators,
        quota: { ...quota, gpus: gpus * request.sharesPerGpu },
        network: [allowPeers({ to: [front], ports: [servicePort] })],
        ...request.stores?.(tenant),
      },
      { providers },
    );
    return [tenant, component.namespaceName] as const;
  });
  return Object.fromEntries(made);
}
