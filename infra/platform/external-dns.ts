import { ComponentResource, type ComponentResourceOptions, type Input, type Resource } from '@pulumi/pulumi';
import { planDnsPermissions } from '../planning/platform/dns-permissions.ts';
import { allow } from '../planning/iam.ts';
import { planOperator, planResources, type OperatorPlacement } from '../planning/platform/operators.ts';
import type { Transform } from '../planning/transform.ts';
import { createPodIdentity } from '../security/pod-identity.ts';
import { createChart, type ChartValues } from './chart.ts';

export interface ExternalDnsArgs {
  /** Where its pods and objects live. */
  readonly namespace: Input<string>;
  /** Name of the cluster, from its output. */
  readonly clusterName: Input<string>;
  /** Region of the cloud, for example `eu-west-1`. */
  readonly region: string;
  /** For example `dev.orrery.example`: nothing beside and above it is touched. */
  readonly domain: string;
  /** The hosted zone of Route 53 in which it lies. */
  readonly zoneId: string;
  /** Who owns the records that it makes, for example `orrery-dev`: those of others in the zone are left alone. */
  readonly owner: string;
  /** How many copies, and on which nodes. */
  readonly placement: OperatorPlacement;
  /** What has to stand first: the Gateway API's definitions, whose routes it reads. */
  readonly after: readonly Resource[];
  /** Bends the values of the chart. Default: as they are. */
  readonly transform?: { readonly values?: Transform<ChartValues> };
}

const serviceAccount = 'external-dns';

/**
 * external-dns: the host of every route of a Gateway becomes a record of Route 53. It adds and changes, and never deletes.
 * Cost driver: none; queries of the zone.
 * Refuses nothing. It runs once, because two would answer each other.
 */
export class ExternalDns extends ComponentResource {
  constructor(name: string, args: ExternalDnsArgs, options?: ComponentResourceOptions) {
    super('orrery:platform:ExternalDns', name, {}, options);
    const { namespace, clusterName, domain, zoneId } = args;
    const { scheduling } = planOperator(args.placement);
    const policy = allow(...planDnsPermissions({ zoneId, domain }));
    const { ready } = createPodIdentity(this, name, { clusterName, namespace, serviceAccount, policy });
    createChart(
      `${name}-chart`,
      {
        chart: 'external-dns',
        namespace,
        transform: args.transform?.values,
        values: {
          serviceAccount: { name: serviceAccount },
          provider: { name: 'aws' },
          env: [{ name: 'AWS_DEFAULT_REGION', value: args.region }],
          sources: ['gateway-httproute'],
          policy: 'upsert-only',
          registry: 'txt',
          txtOwnerId: args.owner,
          domainFilters: [domain],
          extraArgs: [`--zone-id-filter=${zoneId}`],
          ...scheduling,
          resources: planResources(50, 128),
        },
      },
      { parent: this, dependsOn: [...args.after, ...ready] },
    );
    this.registerOutputs();
  }
}
