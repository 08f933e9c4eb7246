import * as kubernetes from '@pulumi/kubernetes';
import * as random from '@pulumi/random';
import {
  ComponentResource,
  interpolate,
  type ComponentResourceOptions,
  type Input,
  type Output,
  type Resource,
} from '@pulumi/pulumi';
import { passwordKey } from '../planning/observability/collector-pod.ts';
import {
  encryptionKey,
  metabasePort,
  planMetabaseContainer,
  type MetabaseHome,
} from '../planning/observability/metabase.ts';
import { allowCidrs, anywhere, planNetworkPolicy } from '../planning/platform/network-policy.ts';
import { restrictedPod } from '../planning/pod-security.ts';
import { stateful } from '../planning/stateful.ts';
import { imageReference } from '../planning/versions.ts';

export interface MetabaseArgs {
  /** Where its pods and objects live. */
  readonly namespace: Input<string>;
  /** Where it keeps what people build in it. */
  readonly home: MetabaseHome;
  /** Memory in MiB, requested and limited alike. Default 1536: a Java program. */
  readonly memoryMiB?: number;
  /** Labels of the nodes that it runs on. Default: any node. */
  readonly nodeSelector?: Readonly<Record<string, string>>;
  /** What has to stand before its pods can become ready: nodes, volumes, its database. Default nothing. */
  readonly after?: readonly Resource[];
}

const metabaseUser = 10_001;
const postgresPort = 5432;
type Labels = Record<string, string>;

/**
 * Metabase: questions and dashboards on ClickHouse. People connect it once to ClickHouse as `orrery_bi`, which reads and changes nothing.
 * Cost driver: its memory; with `volume` the volume, with `postgres` the server.
 * Refuses nothing. One process: two would need a Postgres, and nobody waits for a report.
 */
export class Metabase extends ComponentResource {
  /** Where it answers in the cluster; a route from outside is made by whoever has the gateway. */
  readonly url: Output<string>;
  readonly serviceName: Output<string>;

  constructor(name: string, args: MetabaseArgs, options?: ComponentResourceOptions) {
    super('orrery:observability:Metabase', name, {}, options);
    const labels = { 'app.kubernetes.io/name': 'metabase', 'app.kubernetes.io/part-of': 'orrery' };
    const metadata = { namespace: args.namespace, labels };
    const secretName = this.#createSecret(name, args);
    this.#createDeployment(name, args, { labels, secretName });
    const service = new kubernetes.core.v1.Service(
      `${name}-service`,
      {
        metadata,
        spec: { type: 'ClusterIP', selector: labels, ports: [{ name: 'web', port: metabasePort, targetPort: 'http' }] },
      },
      { parent: this },
    );
    if (args.home.kind === 'postgres') {
      new kubernetes.networking.v1.NetworkPolicy(
        `${name}-network`,
        {
          metadata: { namespace: args.namespace },
          // A managed server has an address of the network: its password and its security group say who may ask.
          spec: planNetworkPolicy([allowCidrs({ to: [anywhere], ports: [postgresPort] })], labels),
        },
        { parent: this },
      );
    }
    this.serviceName = service.metadata.name;
    this.url = interpolate`http://${this.serviceName}.${args.namespace}.svc:${metabasePort}`;
    this.registerOutputs({ url: this.url });
  }

  /** The key under which Metabase encrypts the passwords that it keeps, and that of its own database. */
  #createSecret(name: string, { namespace, home }: MetabaseArgs): Output<string> {
    const encryption = new random.RandomPassword(
      `${name}-encryption`,
      { length: 40, special: false },
      stateful({ parent: this }),
    );
    const secret = new kubernetes.core.v1.Secret(
      `${name}-secret`,
      {
        metadata: { namespace },
        stringData: {
          [encryptionKey]: encryption.result,
          ...(home.kind === 'postgres' ? { [passwordKey]: home.password } : {}),
        },
      },
      { parent: this },
    );
    return secret.metadata.name;
  }

  #createDeployment(name: string, args: MetabaseArgs, made: { labels: Labels; secretName: Output<string> }): void {
    const { namespace, home, nodeSelector } = args;
    const { labels, secretName } = made;
    const claim = home.kind === 'volume' ? [this.#createVolume(name, args, home)] : [];
    const memoryMiB = args.memoryMiB ?? 1536;
    new kubernetes.apps.v1.Deployment(
      `${name}-deployment`,
      {
        metadata: { namespace, labels },
        spec: {
          replicas: 1,
          selector: { matchLabels: labels },
          // A second process would wait for the first one's lock on the file.
          strategy: { type: 'Recreate' },
          template: {
            metadata: { labels },
            spec: {
              automountServiceAccountToken: false,
              securityContext: restrictedPod(metabaseUser),
              ...(nodeSelector === undefined ? {} : { nodeSelector }),
              terminationGracePeriodSeconds: 60,
              containers: [planMetabaseContainer({ image: imageReference('metabase'), home, memoryMiB })],
              volumes: [
                { name: 'secret', secret: { secretName, defaultMode: 0o440 } },
                { name: 'temporary', emptyDir: { sizeLimit: '1Gi' } },
                { name: 'plugins', emptyDir: { sizeLimit: '512Mi' } },
                ...claim.map((claimName) => ({ name: 'data', persistentVolumeClaim: { claimName } })),
              ],
            },
          },
        },
      },
      { parent: this, dependsOn: [...(args.after ?? [])] },
    );
  }

  #createVolume(
    name: string,
    { namespace }: MetabaseArgs,
    { volumeGiB, storageClass }: Extract<MetabaseHome, { kind: 'volume' }>,
  ): Output<string> {
    const claim = new kubernetes.core.v1.PersistentVolumeClaim(
      `${name}-volume`,
      {
        metadata: { namespace },
        spec: {
          accessModes: ['ReadWriteOnce'],
          ...(storageClass === undefined ? {} : { storageClassName: storageClass }),
          resources: { requests: { storage: `${volumeGiB}Gi` } },
        },
      },
      stateful({ parent: this }),
    );
    return claim.metadata.name;
  }
}
