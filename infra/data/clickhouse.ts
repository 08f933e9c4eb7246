import * as kubernetes from '@pulumi/kubernetes';
import {
  ComponentResource,
  interpolate,
  type ComponentResourceOptions,
  type Input,
  type Output,
  type Resource,
} from '@pulumi/pulumi';
import { restrictedContainer, restrictedPod } from '../planning/pod-security.ts';
import { poolLabel, systemTaintKey } from '../planning/pools.ts';
import { stateful } from '../planning/stateful.ts';

export interface ClickHouseArgs {
  readonly namespace: Input<string>;
  /** By digest, for example `docker.io/clickhouse/clickhouse-server:26.3.17.4@sha256:…`. */
  readonly image: string;
  /** Made at the first start, for example `orrery`. */
  readonly database: string;
  /** The Secret in the same namespace, and its key, that hold the password of the user `default`. */
  readonly password: { readonly secretName: Input<string>; readonly key: string };
  /** Cores, requested and limited alike. */
  readonly cpu: number;
  /** Requested and limited alike. At least 1024. */
  readonly memoryMiB: number;
  /** Size of the volume, for example 100. It grows in place, at most once in six hours; it never shrinks. */
  readonly volumeGiB: number;
  /** What has to stand first: the driver of volumes. */
  readonly after: readonly Resource[];
}

const httpPort = 8123;
const clickhouseUser = 101;
const volumeName = 'data';

/**
 * One ClickHouse server on a volume that outlives the pod, the set and the namespace.
 * Cost driver: its share of an on-demand node, and the volume.
 * Refuses nothing. It is a single server: when its node goes, reads and writes wait until the pod is up elsewhere in the zone.
 */
export class ClickHouse extends ComponentResource {
  /** Where clients in the cluster reach it over HTTP. */
  readonly url: Output<string>;

  constructor(name: string, args: ClickHouseArgs, options?: ComponentResourceOptions) {
    super('orrery:data:ClickHouse', name, {}, options);
    const labels = { 'app.kubernetes.io/name': name, 'app.kubernetes.io/part-of': 'orrery' };
    const storageClass = new kubernetes.storage.v1.StorageClass(
      `${name}-storage`,
      {
        provisioner: 'ebs.csi.aws.com',
        parameters: { type: 'gp3', encrypted: 'true' },
        reclaimPolicy: 'Retain',
        allowVolumeExpansion: true,
        volumeBindingMode: 'WaitForFirstConsumer',
      },
      { parent: this },
    );
    // A claim of its own, because a set's template of claims can't be changed, not even to a larger size.
    const claim = new kubernetes.core.v1.PersistentVolumeClaim(
      `${name}-volume`,
      {
        metadata: { namespace: args.namespace, labels },
        spec: {
          accessModes: ['ReadWriteOnce'],
          storageClassName: storageClass.metadata.name,
          resources: { requests: { storage: `${args.volumeGiB}Gi` } },
        },
      },
      stateful({ parent: this }),
    );
    const service = new kubernetes.core.v1.Service(
      `${name}-service`,
      {
        metadata: { namespace: args.namespace, labels },
        spec: { clusterIP: 'None', selector: labels, ports: [{ name: 'http', port: httpPort }] },
      },
      { parent: this },
    );
    new kubernetes.apps.v1.StatefulSet(
      `${name}-server`,
      {
        metadata: { namespace: args.namespace, labels },
        spec: {
          serviceName: service.metadata.name,
          replicas: 1,
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec: podSpec(args, claim.metadata.name) },
        },
      },
      // Two servers on one volume would wait for each other, or worse.
      { parent: this, dependsOn: [...args.after], deleteBeforeReplace: true },
    );
    this.url = interpolate`http://${service.metadata.name}.${args.namespace}.svc:${httpPort}`;
    this.registerOutputs({ url: this.url });
  }
}

function podSpec(args: ClickHouseArgs, claimName: Input<string>): kubernetes.types.input.core.v1.PodSpec {
  const amount = { cpu: String(args.cpu), memory: `${args.memoryMiB}Mi` };
  return {
    automountServiceAccountToken: false,
    securityContext: restrictedPod(clickhouseUser),
    // The system pool is the one on demand: a spot node would take the only server with it.
    nodeSelector: { [poolLabel]: 'system' },
    tolerations: [{ key: systemTaintKey, operator: 'Exists', effect: 'NoSchedule' }],
    terminationGracePeriodSeconds: 120,
    containers: [
      {
        name: 'clickhouse',
        image: args.image,
        ports: [{ name: 'http', containerPort: httpPort }],
        env: [
          { name: 'CLICKHOUSE_DB', value: args.database },
          { name: 'CLICKHOUSE_USER', value: 'default' },
          {
            name: 'CLICKHOUSE_PASSWORD',
            valueFrom: { secretKeyRef: { name: args.password.secretName, key: args.password.key } },
          },
        ],
        resources: { requests: amount, limits: amount },
        securityContext: restrictedContainer(),
        startupProbe: { httpGet: { path: '/ping', port: 'http' }, periodSeconds: 5, failureThreshold: 60 },
        readinessProbe: { httpGet: { path: '/ping', port: 'http' }, periodSeconds: 5 },
        livenessProbe: { httpGet: { path: '/ping', port: 'http' }, periodSeconds: 15, failureThreshold: 4 },
        volumeMounts: [
          { name: volumeName, mountPath: '/var/lib/clickhouse' },
          { name: 'logs', mountPath: '/var/log/clickhouse-server' },
          // The image's entry point writes the user's password hash here.
          { name: 'users', mountPath: '/etc/clickhouse-server/users.d' },
          { name: 'temporary', mountPath: '/tmp' },
        ],
      },
    ],
    volumes: [
      { name: volumeName, persistentVolumeClaim: { claimName } },
      ...['logs', 'users', 'temporary'].map((name) => ({ name, emptyDir: { sizeLimit: '1Gi' } })),
    ],
  };
}
