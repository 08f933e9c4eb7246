import * as kubernetes from '@pulumi/kubernetes';
import {
  ComponentResource,
  interpolate,
  type ComponentResourceOptions,
  type Input,
  type Output,
  type Resource,
} from '@pulumi/pulumi';
import {
  clickHousePorts,
  keeperPorts,
  planClickHouse,
  planClickHouseSpec,
  type ClickHouseUser,
} from '../planning/data/clickhouse.ts';
import { allow, type Permission } from '../planning/iam.ts';
import {
  allowDns,
  allowPeers,
  allowPodIdentity,
  allowTls,
  planNetworkPolicy,
  type Peer,
} from '../planning/platform/network-policy.ts';
import { stateful } from '../planning/stateful.ts';
import { createPodIdentity } from '../security/pod-identity.ts';
import { createClickHouseJobs } from './clickhouse-jobs.ts';

export interface ClickHouseBucket {
  readonly bucketName: Input<string>;
  readonly arn: Input<string>;
}

/** What lies outside the cluster, in S3; the servers reach it by the role of their pods. */
export interface ClickHouseArchive {
  readonly clusterName: Input<string>;
  readonly region: string;
  /** The key of both buckets. */
  readonly keyArn: Input<string>;
  /** Where parts go that were last written `afterDays` (1 or more) days ago. Default: they stay on the volume. */
  readonly cold?: { readonly bucket: ClickHouseBucket; readonly afterDays: number };
  /** Where a whole copy goes by the schedule, in cron's five fields, UTC. Default: none is made. */
  readonly backup?: { readonly bucket: ClickHouseBucket; readonly schedule: string };
}

export interface ClickHouseArgs {
  /** Where its pods and objects live. */
  readonly namespace: Input<string>;
  /** By digest, for example `docker.io/clickhouse/clickhouse-server:26.3.17.4@sha256:…`. */
  readonly image: string;
  /** Made at the first start, for example `orrery`. */
  readonly database: string;
  /** The Secret in the same namespace, and its key, that hold the password of the user `default`. */
  readonly password: { readonly secretName: Input<string>; readonly key: string };
  /** Users beside `default`, each with its own rights and password. Default none. */
  readonly users?: readonly ClickHouseUser[];
  /** Parts that the rows are spread over, 1 to 32. */
  readonly shards: number;
  /** Copies of each shard, 1 to 3, each in a zone of its own. */
  readonly replicas: number;
  /** How many keepers there are: 1, 3 or 5. */
  readonly keepers: number;
  /** The name under which the keepers are reached. */
  readonly keeperHost: Input<string>;
  /** Labels of the keepers' pods. */
  readonly keeperLabels: Readonly<Record<string, string>>;
  /** Cores of each server, requested and limited alike. */
  readonly cpu: number;
  /** MiB of each server, requested and limited alike. At least 1024. */
  readonly memoryMiB: number;
  /** GiB of each server's volume, for example 100. It grows in place, at most once in six hours; it never shrinks. */
  readonly volumeGiB: number;
  /** The class of the volumes. Default: the cluster's own default. */
  readonly storageClassName?: Input<string>;
  /** Whether nodes carry `orrery.dev/pool`: then they run on `general`, which is never reclaimed. */
  readonly nodePools: boolean;
  /** Pods of other namespaces that connect: the operator, Metabase, what writes logs. Its own namespace's pods always may. */
  readonly clients: readonly Peer[];
  /** S3, in a cloud of its own. Default: everything stays on the volumes, and nothing is backed up. */
  readonly archive?: ClickHouseArchive;
  /** What has to stand first: the operator and the keepers. */
  readonly after: readonly Resource[];
}

/** Labels by which the pods of a ClickHouse, or of its keepers, are found: by the name of their component. */
export function clickHouseLabels(name: string): Record<string, string> {
  return { 'app.kubernetes.io/name': name, 'app.kubernetes.io/part-of': 'orrery' };
}

/**
 * A ClickHouse of shards and replicas, run by its operator: volumes that outlive it, old parts in S3, a copy by the clock.
 * Cost driver: shards times replicas, each an on-demand share of a node and a volume; and the bytes in S3.
 * Refuses: an even number of keepers, more replicas than zones. A single replica waits while its node is replaced.
 */
export class ClickHouse extends ComponentResource {
  /** Where clients in the cluster reach it over HTTP. */
  readonly url: Output<string>;

  constructor(name: string, args: ClickHouseArgs, options?: ComponentResourceOptions) {
    super('orrery:data:ClickHouse', name, {}, options);
    planClickHouse(args);
    const labels = clickHouseLabels(name);
    const { namespace, archive } = args;
    const account = new kubernetes.core.v1.ServiceAccount(
      `${name}-account`,
      { metadata: { namespace, labels }, automountServiceAccountToken: false },
      { parent: this },
    );
    const identity = this.#createIdentity(name, args, account.metadata.name);
    const installation = new kubernetes.apiextensions.CustomResource(
      `${name}-installation`,
      {
        apiVersion: 'clickhouse.altinity.com/v1',
        kind: 'ClickHouseInstallation',
        // By name, because claims are named after it: one that is made again finds its volumes.
        metadata: { name, namespace },
        spec: planClickHouseSpec({
          ...args,
          users: args.users ?? [],
          name,
          labels,
          storageClassName: args.storageClassName,
          serviceAccountName: account.metadata.name,
          cold: archive?.cold && placeOf(archive, archive.cold.bucket),
          backups: archive?.backup && placeOf(archive, archive.backup.bucket),
        }),
      },
      { ...stateful({ parent: this }), dependsOn: [...args.after, ...identity] },
    );
    this.#createTraffic(name, args, labels);
    if (archive !== undefined) {
      const { shards, replicas, keepers, image, database, password, nodePools } = args;
      const size = { shards, replicas, keepers };
      const request = { namespace, image, database, password, nodePools, size, server: name, serverLabels: labels };
      createClickHouseJobs(this, name, { ...request, archive, after: installation });
    }
    this.url = interpolate`http://${installation.metadata.name}.${namespace}.svc:${clickHousePorts.http}`;
    this.registerOutputs({ url: this.url });
  }

  #createIdentity(name: string, { archive, namespace }: ClickHouseArgs, account: Output<string>): readonly Resource[] {
    if (archive === undefined) return [];
    const { clusterName } = archive;
    const policy = allow(...permissionsOf(archive));
    return createPodIdentity(this, name, { clusterName, namespace, serviceAccount: account, policy }).ready;
  }

  #createTraffic(name: string, args: ClickHouseArgs, labels: Record<string, string>): void {
    const { http, native, interserver, metrics } = clickHousePorts;
    const itself = [{ labels }];
    new kubernetes.networking.v1.NetworkPolicy(
      `${name}-traffic`,
      {
        metadata: { namespace: args.namespace },
        spec: planNetworkPolicy(
          [
            allowPeers({ from: [{}, ...args.clients], ports: [http, native, metrics] }),
            allowPeers({ from: itself, ports: [interserver] }),
            allowPeers({ to: itself, ports: [http, native, interserver] }),
            allowPeers({ to: [{ labels: args.keeperLabels }], ports: [keeperPorts.client] }),
            allowDns(),
            ...(args.archive === undefined ? [] : [allowTls(), allowPodIdentity()]),
          ],
          labels,
        ),
      },
      { parent: this },
    );
  }
}

function placeOf({ region }: ClickHouseArchive, { bucketName }: ClickHouseBucket) {
  return { endpoint: interpolate`https://${bucketName}.s3.${region}.amazonaws.com/`, region };
}

/** Parts are written, read and forgotten in the cold bucket; a backup is written and read, and forgotten by the bucket itself. */
function permissionsOf({ cold, backup, keyArn }: ClickHouseArchive): Permission[] {
  const objects = ({ arn }: ClickHouseBucket) => [interpolate`${arn}/*`];
  return [
    ...(cold === undefined
      ? []
      : [
          { actions: ['s3:GetObject', 's3:PutObject', 's3:DeleteObject'], resources: objects(cold.bucket) },
          { actions: ['s3:ListBucket'], resources: [cold.bucket.arn] },
        ]),
    ...(backup === undefined
      ? []
      : [
          { actions: ['s3:GetObject', 's3:PutObject', 's3:AbortMultipartUpload'], resources: objects(backup.bucket) },
          // The mark by which two backups keep out of each other's folder: nothing else of a backup can be deleted.
          { actions: ['s3:DeleteObject'], resources: [interpolate`${backup.bucket.arn}/*/.lock`] },
          { actions: ['s3:ListBucket'], resources: [backup.bucket.arn] },
        ]),
    { actions: ['kms:Decrypt', 'kms:GenerateDataKey'], resources: [keyArn] },
  ];
}
