import { Namespace } from '#infra/platform/namespace.ts';
import { planGpuCaps } from '#infra/planning/pools.ts';
import { Token, tokenKey } from '#infra/security/token.ts';
import type { AwsSettings } from '../settings/settings.ts';
import type { KubernetesLayer, NamespaceLayer } from './layers.ts';

export const namespaceName = 'orrery';

/** Where the services and their data live, closed by default, and the token by which they know each other. */
export function createNamespace(settings: AwsSettings, { providers }: KubernetesLayer): NamespaceLayer {
  const { quotaGpus } = planGpuCaps({ gpuMax: settings.gpuMax, instanceTypes: settings.gpu.instanceTypes });
  const namespace = new Namespace(
    'platform',
    { namespaceName, quotaGpus, vpcCidr: settings.network.cidr },
    { providers },
  );
  const token = new Token('token', { namespace: namespace.namespaceName }, { providers });
  return {
    namespaceName: namespace.namespaceName,
    token: { value: token.value, secretName: token.secretName, key: tokenKey },
  };
}
