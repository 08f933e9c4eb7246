import { awsTypes } from './replacements-aws.ts';
import { kubernetesKinds } from './replacements-kubernetes.ts';

/** What a change of a property does to a resource that stands. Paths without indices; a path stands for all below it. */
export interface Replacements {
  /** A change can't be made in place: the resource is made again. */
  readonly replace?: readonly string[];
  /** The provider decides by more than the property. */
  readonly may?: readonly string[];
  /** Neither: the API refuses the change, and the deployment stops there. */
  readonly refuse?: readonly string[];
  /** Replaced when the value, a version, is lowered. */
  readonly replaceLowered?: readonly string[];
  /** Refused when the value, a version or a quantity, is lowered. */
  readonly refuseLowered?: readonly string[];
}

const randomArguments: readonly string[] = [
  ...['keepers', 'length', 'lower', 'minLower', 'minNumeric', 'minSpecial', 'minUpper', 'number', 'numeric'],
  ...['overrideSpecial', 'special', 'upper'],
];

/** By type, for what the platform is made of. A type that is not here is told as "may replace". */
export const replacementTable: Readonly<Record<string, Replacements>> = {
  ...awsTypes,
  ...kubernetesKinds,
  // pulumi-random: every argument is ForceNew
  'random:index/randomPassword:RandomPassword': { replace: randomArguments },
  'random:index/randomString:RandomString': { replace: randomArguments },
  // pulumi-aws: another region is another provider
  'pulumi:providers:aws': { may: ['region'] },
  // pulumi-kubernetes: with a clusterIdentifier nothing else replaces the provider (docs of ProviderArgs)
  'pulumi:providers:kubernetes': { replace: ['clusterIdentifier'] },
  // stacks/local: the supervisor replaces a process without a failed request; its data lie in a folder
  'orrery:local:Environment': {},
  'orrery:local:Process': {},
  'orrery:local:Redis': {},
};
