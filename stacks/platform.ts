import type { Release } from '@orrery/contracts/release';
import { composeCloud, type CompositionOutputs } from './composition/cloud.ts';
import { composeOnCluster } from './composition/existing-cluster.ts';
import { checkSettings } from './settings/check.ts';

export interface PlatformRequest {
  /** For example `dev`: the stack. */
  readonly environment: string;
  readonly release: Pick<Release, 'services' | 'live' | 'data'>;
  readonly releaseDigest: string;
  /** The binding's settings, as they were frozen; checked here, because the schema is the release's. */
  readonly settings: unknown;
}

export type PlatformOutputs = CompositionOutputs;

/**
 * Everything that an environment is, from a release and a binding. Called once by Pulumi's entry, and by tests as often as they
 * like: nothing is kept between two calls, and nothing is read from the machine.
 */
export function composePlatform(request: PlatformRequest): PlatformOutputs {
  const settings = checkSettings(request.environment, request.settings);
  return settings.target === 'aws'
    ? composeCloud({ ...request, settings })
    : composeOnCluster({ ...request, settings });
}
