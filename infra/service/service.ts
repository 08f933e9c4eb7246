import * as kubernetes from '@pulumi/kubernetes';
import {
  ComponentResource,
  interpolate,
  type ComponentResourceOptions,
  type Input,
  type Output,
  type Resource,
} from '@pulumi/pulumi';
import type { Replicas } from '../planning/service/scaling.ts';
import { planServiceNetwork, serviceLabels, type ServiceNetwork } from '../planning/service/service-network.ts';
import type { Transform } from '../planning/transform.ts';
import {
  assertDeployable,
  servicePort,
  type ServiceManifest,
  type ServiceVersion,
} from '../planning/service/workload.ts';
import type { Gateway } from '../platform/gateway.ts';
import { createRoute } from '../platform/route.ts';
import { createPodIdentity } from '../security/pod-identity.ts';
import { createAutoscaler, findSignal, type SignalSources } from './autoscaler.ts';
import { createDeployment, type ServiceBrokers } from './deployment.ts';
import { createVolume, findVolume, type ServiceVolume } from './volume.ts';

export interface ServiceArgs {
  /** Physical name of the namespace, for example `orrery`. */
  readonly namespace: Input<string>;
  /** What the release says of the service. It decides the form of everything below. */
  readonly manifest: ServiceManifest;
  /** The digests of the release and of the service: labels and annotations tell them. */
  readonly version: ServiceVersion;
  /** By digest: `registry/name@sha256:…`. */
  readonly image: string;
  /** What the process reads from `--config`. No secrets: it stands in a ConfigMap. */
  readonly config: Input<Record<string, unknown>>;
  /** The Secret in the namespace whose key `token` holds the environment's token. */
  readonly tokenSecretName: Input<string>;
  /** The ConfigMap in the namespace whose key `release` tells the release: pods follow it without a restart. */
  readonly releaseMapName: string;
  /** For a manifest that scales by a signal a range, otherwise twice the same number; for one that owns a folder 1 and 1. */
  readonly replicas: Replicas;
  /** Whom it talks to. Default: nobody but DNS. */
  readonly network?: ServiceNetwork;
  /** Cluster in which Pod Identity knows the service; absent outside AWS. */
  readonly clusterName?: Input<string>;
  /** IAM policy document of what the service does in AWS; needs `clusterName`. Default: nothing, and no role. */
  readonly policy?: Input<string>;
  /** Whether nodes carry `orrery.dev/pool`. Default false: pods go to any node. */
  readonly nodePools?: boolean;
  /** The volume of a service that owns a folder. Required for such a one, of no meaning for another. */
  readonly volume?: ServiceVolume;
  /** The claim on which the store lies, where it is a volume and the service needs it. */
  readonly storeClaimName?: Input<string>;
  /** How it shows Kafka's brokers who it is, where the bus is Kafka and the service needs it. */
  readonly brokers?: ServiceBrokers;
  /** Where requests from outside enter. Default: nowhere, and a public service is reached from inside alone. */
  readonly gateway?: Gateway;
  /** Where the signals of autoscalers are read. Default: none, which suits a service that follows cores or nothing. */
  readonly signals?: SignalSources;
  /** Topic -> partitions, for holding replicas against them. Default: none. */
  readonly partitions?: Readonly<Record<string, number>>;
  /** What has to run before the pods can become ready. */
  readonly after?: readonly Resource[];
  /** For what the arguments do not say, for example a priority class. */
  readonly transform?: { readonly deployment?: Transform<kubernetes.apps.v1.DeploymentArgs> };
}

/**
 * One service of a release as its manifest describes it: a Deployment that is replaced without a failed request, behind a fixed name,
 * with an identity, a configuration, a network, a disruption budget and, where the manifest has a signal, an autoscaler of its own. One
 * that owns a folder has a volume that outlives it, and is replaced by stopping first.
 * Cost driver: requested cores and memory times replicas; the volume.
 * Refuses: an image without digest, replicas that its manifest does not scale between, more of them than a topic has partitions.
 */
export class Service extends ComponentResource {
  /** Where the other services reach it. */
  readonly url: Output<string>;
  /** Where people reach it; undefined where the gateway does not lead to it. */
  readonly publicUrl: string | undefined;

  constructor(name: string, args: ServiceArgs, options?: ComponentResourceOptions) {
    super('orrery:service:Service', name, {}, options);
    const { manifest, namespace } = args;
    assertDeployable(manifest, args.image, args.replicas, args.partitions);
    const volume = findVolume(manifest, args.volume);
    const found = findSignal(args);
    const labels = serviceLabels(manifest.name);
    const metadata = { namespace, labels };
    const account = new kubernetes.core.v1.ServiceAccount(
      `${name}-account`,
      { metadata, automountServiceAccountToken: false },
      { parent: this },
    );
    const identity = this.#createIdentity(name, args, account);
    const claim = volume === undefined ? undefined : createVolume(this, name, { metadata, ...volume });
    const network = this.#createNetwork(name, args, labels);
    const deployment = createDeployment(this, name, {
      ...args,
      labels,
      accountName: account.metadata.name,
      after: [...(args.after ?? []), ...identity, network],
      ...(claim === undefined ? {} : { dataClaimName: claim.metadata.name }),
    });
    const service = new kubernetes.core.v1.Service(
      `${name}-service`,
      {
        // The peers' configurations hold this name, so it is fixed.
        metadata: { ...metadata, name: manifest.name },
        spec: { type: 'ClusterIP', selector: labels, ports: [{ name: 'http', port: servicePort, targetPort: 'http' }] },
      },
      { parent: this },
    );
    this.#createBudget(name, args, labels);
    createAutoscaler(this, name, { ...args, deploymentName: deployment.metadata.name, found });
    this.publicUrl = this.#createRoute(name, args, service);
    this.url = interpolate`http://${service.metadata.name}.${namespace}.svc:${servicePort}`;
    this.registerOutputs({ url: this.url, publicUrl: this.publicUrl });
  }

  /** The role behind the service account; none where the service calls nothing in AWS. */
  #createIdentity(name: string, args: ServiceArgs, account: kubernetes.core.v1.ServiceAccount): readonly Resource[] {
    const { clusterName, namespace, policy } = args;
    if (clusterName === undefined || policy === undefined) return [];
    const serviceAccount = account.metadata.name;
    return createPodIdentity(this, name, { clusterName, namespace, serviceAccount, policy }).ready;
  }

  #createNetwork(name: string, args: ServiceArgs, labels: Record<string, string>): Resource {
    const gateway = args.manifest.public === true ? args.gateway?.origin : undefined;
    const callsCloud = args.clusterName !== undefined && args.policy !== undefined;
    return new kubernetes.networking.v1.NetworkPolicy(
      `${name}-network`,
      {
        metadata: { namespace: args.namespace, labels },
        spec: planServiceNetwork({
          ...args.network,
          labels,
          port: servicePort,
          callsCloud,
          ...(gateway === undefined ? {} : { gateway }),
        }),
      },
      { parent: this },
    );
  }

  #createRoute(
    name: string,
    { namespace, manifest, gateway }: ServiceArgs,
    service: kubernetes.core.v1.Service,
  ): string | undefined {
    if (gateway === undefined || manifest.public !== true) return undefined;
    return createRoute(this, name, {
      gateway,
      namespace,
      host: manifest.name,
      serviceName: service.metadata.name,
      port: servicePort,
      healthPath: manifest.probes.ready ?? '/',
    });
  }

  /**
   * Of several one always stays; a single one may go, since a budget that lets none go would hold up every drain of its node. Pods that
   * are broken may always go.
   */
  #createBudget(name: string, { namespace, replicas }: ServiceArgs, labels: Record<string, string>): void {
    new kubernetes.policy.v1.PodDisruptionBudget(
      `${name}-budget`,
      {
        metadata: { namespace, labels },
        spec: {
          ...(replicas.min >= 2 ? { minAvailable: 1 } : { maxUnavailable: 1 }),
          unhealthyPodEvictionPolicy: 'AlwaysAllow',
          selector: { matchLabels: labels },
        },
      },
      { parent: this },
    );
  }
}
