import * as kubernetes from '@pulumi/kubernetes';
import {
  ComponentResource,
  interpolate,
  jsonStringify,
  type ComponentResourceOptions,
  type Input,
  type Output,
  type Resource,
} from '@pulumi/pulumi';
import {
  assertDeployable,
  planPod,
  servicePort,
  shortDigest,
  versionAnnotations,
  type Replicas,
  type ServiceManifest,
  type ServiceVersion,
} from '../planning/workload.ts';
import { createPodIdentity } from '../security/pod-identity.ts';

export interface ServiceArgs {
  readonly namespace: Input<string>;
  /** Cluster in which Pod Identity knows the service. */
  readonly clusterName: Input<string>;
  readonly manifest: ServiceManifest;
  readonly version: ServiceVersion;
  /** By digest: `registry/name@sha256:…`. */
  readonly image: string;
  /** What the process reads from `--config`. No secrets: it stands in a ConfigMap. */
  readonly config: Input<Record<string, unknown>>;
  /** The Secret in the namespace whose key `token` holds the environment's token. */
  readonly tokenSecretName: Input<string>;
  /** For a manifest that scales by `cpu` a range, otherwise twice the same number. */
  readonly replicas: Replicas;
  /** IAM policy document of what the service does in AWS. Default: nothing, and no role. */
  readonly policy?: Input<string>;
  /** What has to run before the pods can become ready. */
  readonly after?: readonly Resource[];
}

/** Above this share of the requested cores the autoscaler adds a replica. */
const cpuTargetPercent = 70;

/**
 * One stateless service of a release: a Deployment that can be replaced without a failed request, with an identity, a
 * configuration and a disruption budget of its own.
 * Cost driver: requested cores and memory times replicas.
 * Refuses: an image without digest, a service that owns a folder, replicas that its manifest does not scale between.
 */
export class Service extends ComponentResource {
  /** Where the other services reach it. */
  readonly url: Output<string>;

  constructor(name: string, args: ServiceArgs, options?: ComponentResourceOptions) {
    super('orrery:service:Service', name, {}, options);
    assertDeployable(args.manifest, args.image, args.replicas);
    const selector = { 'app.kubernetes.io/name': args.manifest.name, 'app.kubernetes.io/part-of': 'orrery' };
    const metadata = { namespace: args.namespace, labels: selector };
    const account = new kubernetes.core.v1.ServiceAccount(
      `${name}-account`,
      { metadata, automountServiceAccountToken: false },
      { parent: this },
    );
    const identity = this.#createIdentity(name, args, account);
    const deployment = this.#createDeployment(name, args, {
      selector,
      account,
      after: [...(args.after ?? []), ...identity],
    });
    const service = new kubernetes.core.v1.Service(
      `${name}-service`,
      {
        // The peers' configurations hold this name, so it is fixed.
        metadata: { ...metadata, name: args.manifest.name },
        spec: { type: 'ClusterIP', selector, ports: [{ name: 'http', port: servicePort, targetPort: 'http' }] },
      },
      { parent: this },
    );
    new kubernetes.policy.v1.PodDisruptionBudget(
      `${name}-budget`,
      { metadata, spec: { maxUnavailable: 1, selector: { matchLabels: selector } } },
      { parent: this },
    );
    if (args.manifest.scaling === 'cpu') this.#createAutoscaler(name, args, deployment);
    this.url = interpolate`http://${service.metadata.name}.${args.namespace}.svc:${servicePort}`;
    this.registerOutputs({ url: this.url });
  }

  /** The role behind the service account; none where the service calls nothing in AWS. */
  #createIdentity(name: string, args: ServiceArgs, account: kubernetes.core.v1.ServiceAccount): readonly Resource[] {
    const { clusterName, namespace, policy } = args;
    if (policy === undefined) return [];
    const serviceAccount = account.metadata.name;
    return createPodIdentity(this, name, { clusterName, namespace, serviceAccount, policy }).ready;
  }

  #createDeployment(
    name: string,
    args: ServiceArgs,
    made: { selector: Record<string, string>; account: kubernetes.core.v1.ServiceAccount; after: Resource[] },
  ): kubernetes.apps.v1.Deployment {
    const { selector, account } = made;
    // Immutable and named by its content's change: a changed configuration is another map, and so a rolling update.
    const config = new kubernetes.core.v1.ConfigMap(
      `${name}-config`,
      {
        metadata: { namespace: args.namespace, labels: selector },
        immutable: true,
        data: { 'config.json': jsonStringify(args.config) },
      },
      { parent: this },
    );
    const pod = planPod({ manifest: args.manifest, version: args.version, image: args.image, labels: selector });
    return new kubernetes.apps.v1.Deployment(
      `${name}-deployment`,
      {
        metadata: { namespace: args.namespace, ...versioned(args, selector) },
        spec: {
          // With an autoscaler the number is the autoscaler's.
          ...(args.manifest.scaling === 'none' ? { replicas: args.replicas.min } : {}),
          selector: { matchLabels: selector },
          strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
          template: {
            metadata: versioned(args, selector),
            spec: {
              ...pod,
              serviceAccountName: account.metadata.name,
              volumes: [
                { name: 'config', configMap: { name: config.metadata.name } },
                {
                  name: 'secret',
                  secret: {
                    secretName: args.tokenSecretName,
                    defaultMode: 0o440,
                    items: [{ key: 'token', path: 'token' }],
                  },
                },
                { name: 'temporary', emptyDir: { sizeLimit: '1Gi' } },
              ],
            },
          },
        },
      },
      { parent: this, dependsOn: made.after },
    );
  }

  #createAutoscaler(name: string, { replicas, ...args }: ServiceArgs, deployment: kubernetes.apps.v1.Deployment): void {
    new kubernetes.autoscaling.v2.HorizontalPodAutoscaler(
      `${name}-autoscaler`,
      {
        metadata: { namespace: args.namespace },
        spec: {
          scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: deployment.metadata.name },
          minReplicas: replicas.min,
          maxReplicas: replicas.max,
          metrics: [
            {
              type: 'Resource',
              resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: cpuTargetPercent } },
            },
          ],
        },
      },
      { parent: this },
    );
  }
}

/** What tells people and judges which release a Deployment and its pods are of; nothing else changes with every release. */
function versioned({ version }: ServiceArgs, selector: Record<string, string>) {
  return {
    labels: {
      ...selector,
      'app.kubernetes.io/version': shortDigest(version.own),
      'orrery.dev/release': shortDigest(version.release),
    },
    annotations: versionAnnotations(version),
  };
}
