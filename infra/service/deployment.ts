import * as kubernetes from '@pulumi/kubernetes';
import { jsonStringify, type ComponentResource, type Input, type Resource } from '@pulumi/pulumi';
import type { Replicas } from '../planning/service/scaling.ts';
import type { Transform } from '../planning/transform.ts';
import {
  planPod,
  shortDigest,
  versionAnnotations,
  type ServiceManifest,
  type ServiceVersion,
} from '../planning/service/workload.ts';
import { isScaled } from './autoscaler.ts';

type Volume = kubernetes.types.input.core.v1.Volume;

export interface ServiceBrokers {
  /** The Secret in the namespace, and its key, that hold the password of the service's user. */
  readonly password: { readonly secretName: Input<string>; readonly key: string };
  /** The Secret whose key `ca.crt` tells who signs for the brokers. Default: a public authority. */
  readonly certificateSecretName?: Input<string>;
}

/** What of a service's arguments its pods are made of; their meaning stands there. */
export interface DeploymentRequest {
  readonly namespace: Input<string>;
  readonly manifest: ServiceManifest;
  readonly version: ServiceVersion;
  readonly image: string;
  readonly config: Input<Record<string, unknown>>;
  readonly tokenSecretName: Input<string>;
  readonly releaseMapName: string;
  readonly replicas: Replicas;
  readonly nodePools?: boolean;
  readonly storeClaimName?: Input<string>;
  readonly brokers?: ServiceBrokers;
  readonly transform?: { readonly deployment?: Transform<kubernetes.apps.v1.DeploymentArgs> };
  /** By which the Deployment knows its pods: never of a release, since a selector can't be changed. */
  readonly labels: Record<string, string>;
  readonly accountName: Input<string>;
  /** Of the volume of a service that owns a folder. */
  readonly dataClaimName?: Input<string>;
  readonly after: readonly Resource[];
}

/**
 * `<name>-config` and `<name>-deployment`. On the pods stands only what the service itself is: a release that leaves it alone replaces
 * none of them.
 */
export function createDeployment(
  parent: ComponentResource,
  name: string,
  request: DeploymentRequest,
): kubernetes.apps.v1.Deployment {
  const { manifest, version, image, namespace, labels, nodePools = false } = request;
  const annotations = versionAnnotations(version);
  const versioned = { ...labels, 'app.kubernetes.io/version': shortDigest(version.own) };
  const mounts = {
    data: request.dataClaimName !== undefined,
    store: request.storeClaimName !== undefined,
    brokers: request.brokers !== undefined,
  };
  const args: kubernetes.apps.v1.DeploymentArgs = {
    metadata: {
      namespace,
      labels: { ...versioned, 'orrery.dev/release': shortDigest(version.release) },
      annotations: { ...annotations, 'orrery.dev/release': version.release },
    },
    spec: {
      // With an autoscaler the number is the autoscaler's.
      ...(isScaled(request) ? {} : { replicas: request.replicas.min }),
      revisionHistoryLimit: 3,
      selector: { matchLabels: labels },
      strategy: manifest.stateful
        ? { type: 'Recreate' }
        : { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      template: {
        metadata: { labels: versioned, annotations },
        spec: {
          ...planPod({ manifest, image, version, labels, nodePools, mounts }),
          serviceAccountName: request.accountName,
          volumes: volumesOf(createConfig(parent, name, request), request),
        },
      },
    },
  };
  const bent = request.transform?.deployment?.(args) ?? args;
  return new kubernetes.apps.v1.Deployment(`${name}-deployment`, bent, { parent, dependsOn: [...request.after] });
}

/** Immutable and named by its content's change: a changed configuration is another map, and so a rolling update. */
function createConfig(parent: ComponentResource, name: string, request: DeploymentRequest): Input<string> {
  const map = new kubernetes.core.v1.ConfigMap(
    `${name}-config`,
    {
      metadata: { namespace: request.namespace, labels: request.labels },
      immutable: true,
      data: { 'config.json': jsonStringify(request.config) },
    },
    { parent },
  );
  return map.metadata.name;
}

function volumesOf(configName: Input<string>, request: DeploymentRequest): Volume[] {
  const { tokenSecretName, releaseMapName, dataClaimName, storeClaimName, brokers } = request;
  const claim = (name: string, claim: Input<string> | undefined): Volume[] =>
    claim === undefined ? [] : [{ name, persistentVolumeClaim: { claimName: claim } }];
  return [
    { name: 'config', configMap: { name: configName } },
    { name: 'release', configMap: { name: releaseMapName } },
    {
      name: 'secret',
      secret: { secretName: tokenSecretName, defaultMode: 0o440, items: [{ key: 'token', path: 'token' }] },
    },
    { name: 'temporary', emptyDir: { sizeLimit: '1Gi' } },
    ...claim('data', dataClaimName),
    ...claim('store', storeClaimName),
    ...(brokers === undefined ? [] : [brokersVolume(brokers)]),
  ];
}

/** Both lie in Secrets of whoever runs the brokers. */
function brokersVolume({ password, certificateSecretName }: ServiceBrokers): Volume {
  const certificate =
    certificateSecretName === undefined
      ? []
      : [{ secret: { name: certificateSecretName, items: [{ key: 'ca.crt', path: 'ca.crt' }] } }];
  const sources = [
    { secret: { name: password.secretName, items: [{ key: password.key, path: 'password' }] } },
    ...certificate,
  ];
  return { name: 'brokers', projected: { defaultMode: 0o440, sources } };
}
