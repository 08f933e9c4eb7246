import Type, { type Static } from 'typebox';
import { kubernetesDataRules, kubernetesDataSettings } from './data.ts';
import { closed, Cidr, Count, Text } from './fields.ts';
import { clusterObservabilityRules, clusterObservabilitySettings } from './observability.ts';
import { kubernetesPlatformRules, kubernetesPlatformSettings } from './platform.ts';
import { problem, unless, type SettingsRule } from './problem.ts';
import { serviceRules, serviceSettings } from './services.ts';
import { tenantRules, tenantSettings } from './tenants.ts';

/** What a file may say whose platform runs on a Kubernetes that is there already: nothing of AWS, and no nodes. */
export const KubernetesSettings = Type.Object(
  {
    target: Type.Literal('kubernetes', { description: 'kubernetes: a cluster that is there already' }),
    cluster: Type.Object(
      {
        context: Text('^[\\w.@:/-]{1,200}$', 'a context of your kubeconfig such as kind-orrery'),
        storageClass: Text('^(default|[a-z0-9.-]{1,63})$', 'a class of volumes, or default for the one of the cluster'),
        nodeCidr: Cidr('the range of the nodes, whence the API server calls webhooks, such as 10.0.0.0/8'),
      },
      closed,
    ),
    gpuMax: Count(0, 1000, 'the one cap of GPUs: quota and autoscaler follow it; 0: none'),
    ...kubernetesDataSettings,
    ...serviceSettings,
    ...kubernetesPlatformSettings,
    ...clusterObservabilitySettings,
    ...tenantSettings,
  },
  closed,
);
export type KubernetesSettings = Static<typeof KubernetesSettings>;

export const kubernetesRules: readonly SettingsRule<KubernetesSettings>[] = [
  ...kubernetesDataRules,
  ...serviceRules,
  ...kubernetesPlatformRules,
  ...clusterObservabilityRules,
  ...tenantRules,
  {
    reads: ['clickhouse', 'observability'],
    find: ({ clickhouse, observability: { metabase } }) =>
      unless(
        clickhouse.kind === 'servers' || metabase.kind === 'none',
        problem('observability.metabase', metabase, 'needs users that an embedded engine lacks', 'none, or servers'),
      ),
  },
];
