import type { Output } from '@pulumi/pulumi';
import type { Release } from '@orrery/contracts/release';
import { createCluster } from './composition/cluster.ts';
import { createData } from './composition/data.ts';
import { createFoundation } from './composition/foundation.ts';
import { createNamespace } from './composition/namespace.ts';
import { createNetwork } from './composition/network.ts';
import { createServices, releasedServices } from './composition/services.ts';
import { checkSettings } from './settings/check.ts';

export interface PlatformRequest {
  /** For example `dev`: the stack. */
  readonly environment: string;
  readonly release: Pick<Release, 'services' | 'live'>;
  readonly releaseDigest: string;
  /** The binding's settings, as they were frozen; checked here, because the schema is the release's. */
  readonly settings: unknown;
}

export interface PlatformOutputs {
  readonly release: string;
  readonly clusterName: Output<string>;
  readonly storeBucket: Output<string>;
  readonly urls: Readonly<Record<string, Output<string>>>;
}

/**
 * Everything that an environment is, from a release and a binding, layer by layer. Called once by Pulumi's entry, and by tests as
 * often as they like: nothing is kept between two calls, and nothing is read from the machine.
 */
export function composePlatform(request: PlatformRequest): PlatformOutputs {
  const { environment, releaseDigest } = request;
  const settings = checkSettings(environment, request.settings);
  const released = releasedServices(request);
  const foundation = createFoundation(environment, settings);
  const network = createNetwork(settings, foundation);
  const cluster = createCluster(settings, foundation, network);
  const namespace = createNamespace(settings, cluster);
  const data = createData({ settings, foundation, network, cluster, namespace });
  const urls = createServices(released, { ...request, settings, cluster, namespace, data });
  return {
    release: releaseDigest,
    clusterName: cluster.clusterName,
    storeBucket: data.store.bucketName,
    urls,
  };
}
