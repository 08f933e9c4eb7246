import type * as aws from '@pulumi/aws';
import type * as kubernetes from '@pulumi/kubernetes';
import type { Output, Resource } from '@pulumi/pulumi';
import type { Kafka } from '#infra/data/kafka.ts';
import type { Redis } from '#infra/data/redis.ts';

/*
 * What the layers of an environment tell each other, and nothing more: small sets of outputs, so that a layer can be moved into a
 * stack of its own by filling the same type from a stack reference.
 */

/** The account, and what everything in it is encrypted and tagged by. */
export interface Foundation {
  /** For example `dev`. */
  readonly environment: string;
  readonly region: string;
  readonly accountId: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly providers: { readonly aws: aws.Provider };
  readonly keyArn: Output<string>;
  /** Where every bucket writes who read and wrote what. */
  readonly accessLogs: { readonly bucketName: Output<string> };
}

export interface NetworkLayer {
  readonly vpcId: Output<string>;
  readonly cidr: string;
  readonly publicSubnetIds: Output<string>[];
  readonly privateSubnetIds: Output<string>[];
  readonly natGatewayIds: readonly Output<string>[];
}

/** A Kubernetes, wherever it stands. */
export interface KubernetesLayer {
  readonly providers: { readonly aws?: aws.Provider; readonly kubernetes: kubernetes.Provider };
  /** What has to stand before a pod can be scheduled: nodes, names, volumes. */
  readonly ready: readonly Resource[];
}

/** The Kubernetes of a cloud of its own. */
export interface ClusterLayer extends KubernetesLayer {
  readonly providers: { readonly aws: aws.Provider; readonly kubernetes: kubernetes.Provider };
  readonly clusterName: Output<string>;
  readonly version: Output<string>;
  /** The group that every node and the control plane share. */
  readonly securityGroupId: Output<string>;
}

/** The namespace of the services and their data, and the token by which all of them know each other. */
export interface NamespaceLayer {
  readonly namespaceName: Output<string>;
  readonly token: { readonly value: Output<string>; readonly secretName: Output<string>; readonly key: string };
}

/** Where the services find their data. */
export interface DataLayer {
  readonly redis: { readonly state: Redis; readonly cache: Redis };
  readonly clickhouse: { readonly url: Output<string>; readonly database: string };
  /** The bucket of the content-addressed store, or a volume where there is no object store. */
  readonly store: BucketStore | VolumeStore;
  /** Absent where events travel by Redis Streams. */
  readonly kafka?: Pick<Kafka, 'brokers' | 'username' | 'password' | 'certificateSecretName'>;
  /** What has to stand before a service can become ready. */
  readonly ready: readonly Resource[];
}

export interface BucketStore {
  readonly kind: 'bucket';
  readonly bucketName: Output<string>;
  readonly region: string;
  /** What a service that uses the store may do in AWS: an IAM policy document. */
  readonly policy: Output<string>;
}

export interface VolumeStore {
  readonly kind: 'volume';
  readonly claimName: Output<string>;
}
