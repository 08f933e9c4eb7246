import * as kubernetes from '@pulumi/kubernetes';
import {
  ComponentResource,
  type ComponentResourceOptions,
  type Input,
  type Output,
  type Resource,
} from '@pulumi/pulumi';
import { allow } from '../planning/iam.ts';
import { planOperator, planResources, type OperatorPlacement } from '../planning/platform/operators.ts';
import {
  planExternalSecret,
  planSecretStore,
  secretPrefix,
  type ExternalSecretRequest,
} from '../planning/platform/secrets.ts';
import type { Transform } from '../planning/transform.ts';
import { createPodIdentity } from '../security/pod-identity.ts';
import { createChart, type ChartValues } from './chart.ts';

export interface ExternalSecretsArgs {
  /** Where its pods and objects live. */
  readonly namespace: Input<string>;
  /** Name of the cluster, from its output. */
  readonly clusterName: Input<string>;
  /** For example `dev`: what lies below `orrery/dev/` in Secrets Manager can be read, and nothing else. */
  readonly environment: string;
  /** Region of the cloud, for example `eu-west-1`. */
  readonly region: string;
  /** The account: twelve digits. */
  readonly accountId: string;
  /** The key that the secrets are encrypted by. */
  readonly keyArn: Input<string>;
  /** Namespaces whose ExternalSecrets may ask. At least one. */
  readonly namespaces: readonly Input<string>[];
  /** How many copies, and on which nodes. */
  readonly placement: OperatorPlacement;
  /** What has to stand first: nodes, and the definitions of its kinds. */
  readonly after: readonly Resource[];
  /** Bends the values of the chart. Default: as they are. */
  readonly transform?: { readonly values?: Transform<ChartValues> };
}

const serviceAccount = 'external-secrets';
const { CustomResource } = kubernetes.apiextensions;

/**
 * External Secrets: what people put into AWS Secrets Manager below the environment's prefix becomes Secrets of Kubernetes.
 * Cost driver: looks at secrets, about 5 dollars for a hundred thousand.
 * Refuses: a store that admits no namespace; its role reads no other environment's secrets.
 */
export class ExternalSecrets extends ComponentResource {
  readonly storeName: Output<string>;
  /** What has to stand before an ExternalSecret is accepted. */
  readonly ready: readonly Resource[];

  constructor(name: string, args: ExternalSecretsArgs, options?: ComponentResourceOptions) {
    super('orrery:platform:ExternalSecrets', name, {}, options);
    const { namespace, clusterName } = args;
    const spec = planSecretStore(args);
    const policy = planPolicy(args);
    const { ready } = createPodIdentity(this, name, { clusterName, namespace, serviceAccount, policy });
    const chart = createChart(
      `${name}-chart`,
      { chart: 'external-secrets', namespace, values: planValues(args.placement), transform: args.transform?.values },
      { parent: this, dependsOn: [...args.after, ...ready] },
    );
    // Whoever writes an ExternalSecret by hand names it.
    const store = new CustomResource(
      `${name}-store`,
      { apiVersion: 'external-secrets.io/v1', kind: 'ClusterSecretStore', metadata: { name: 'orrery' }, spec },
      { parent: this, dependsOn: [chart] },
    );
    this.storeName = store.metadata.name;
    this.ready = [store];
    this.registerOutputs({ storeName: this.storeName });
  }
}

/** A Secret of Kubernetes out of the environment's secrets, as a child of a component; returns what pods wait for. */
export function createExternalSecret(
  parent: ComponentResource,
  name: string,
  args: ExternalSecretRequest & { readonly namespace: Input<string>; readonly after: readonly Resource[] },
): Resource {
  const { namespace, after, ...request } = args;
  return new CustomResource(
    name,
    {
      apiVersion: 'external-secrets.io/v1',
      kind: 'ExternalSecret',
      metadata: { namespace },
      spec: planExternalSecret(request),
    },
    { parent, dependsOn: [...after] },
  );
}

function planPolicy({ region, accountId, environment, keyArn }: ExternalSecretsArgs): Output<string> {
  return allow(
    {
      actions: [
        'secretsmanager:GetSecretValue',
        'secretsmanager:DescribeSecret',
        'secretsmanager:ListSecretVersionIds',
      ],
      resources: [`arn:aws:secretsmanager:${region}:${accountId}:secret:${secretPrefix(environment)}*`],
    },
    {
      actions: ['kms:Decrypt'],
      resources: [keyArn],
      condition: { StringEquals: { 'kms:ViaService': `secretsmanager.${region}.amazonaws.com` } },
    },
  );
}

function planValues(placement: OperatorPlacement): Record<string, unknown> {
  const { replicas, scheduling, budget } = planOperator(placement);
  const program = (memoryMiB: number) => ({
    replicaCount: replicas,
    ...scheduling,
    ...(budget ? { podDisruptionBudget: { enabled: true, minAvailable: 1 } } : {}),
    resources: planResources(50, memoryMiB),
  });
  return {
    installCRDs: true,
    ...program(256),
    leaderElect: replicas > 1,
    serviceAccount: { name: serviceAccount },
    webhook: program(128),
    certController: program(256),
    processClusterExternalSecret: false,
    processClusterPushSecret: false,
    processPushSecret: false,
  };
}
