import Type, { type Static, type TObject } from 'typebox';
import { accountSettings } from './account.ts';
import { clusterRules, clusterSettings } from './cluster.ts';
import { computeRules, computeSettings } from './compute.ts';
import { dataRules, dataSettings } from './data.ts';
import { closed } from './fields.ts';
import { kubernetesRules, KubernetesSettings } from './kubernetes.ts';
import { networkRules, networkSettings } from './network.ts';
import { observabilityRules, observabilitySettings } from './observability.ts';
import { platformRules, platformSettings } from './platform.ts';
import type { SettingsRule } from './problem.ts';
import { serviceRules, serviceSettings } from './services.ts';
import { tenantRules, tenantSettings } from './tenants.ts';

/**
 * What `Pulumi.<env>.yaml` may say under `orrery:`, one file a layer. Nothing has a default: the file of an environment tells all of it,
 * and a binding that freezes it means the same for ever. Secrets never stand here; the program makes them or refers to them.
 */
export const AwsSettings = Type.Object(
  {
    target: Type.Literal('aws', {
      description: 'aws: a cloud of its own; kubernetes: a cluster that is there already',
    }),
    ...accountSettings,
    ...networkSettings,
    ...clusterSettings,
    ...computeSettings,
    ...dataSettings,
    ...serviceSettings,
    ...platformSettings,
    ...observabilitySettings,
    ...tenantSettings,
  },
  closed,
);
export type AwsSettings = Static<typeof AwsSettings>;
export type Settings = AwsSettings | KubernetesSettings;

export const awsRules: readonly SettingsRule<AwsSettings>[] = [
  ...networkRules,
  ...clusterRules,
  ...computeRules,
  ...dataRules,
  ...serviceRules,
  ...platformRules,
  ...observabilityRules,
  ...tenantRules,
];

/** What a file must look like, and what its fields mean together. */
export interface Form {
  readonly schema: TObject;
  readonly rules: readonly SettingsRule<never>[];
}

/** By the word of `target`. */
export const forms: Readonly<Record<string, Form>> = {
  aws: { schema: AwsSettings, rules: awsRules },
  kubernetes: { schema: KubernetesSettings, rules: kubernetesRules },
};

/**
 * The form that a file's `target` asks for. A file whose word nobody knows is held against the form whose keys are the most like its own, so
 * that a slip in that word is one problem and not as many as there are keys.
 */
export function formOf(settings: unknown): Form {
  const { target, ...rest } = (settings ?? {}) as Readonly<Record<string, unknown>>;
  const keys = new Set(Object.keys(rest));
  const unlike = ({ schema }: Form) => keys.symmetricDifference(new Set(Object.keys(schema.properties))).size;
  const byTarget = Object.entries(forms).find(([word]) => word === target)?.[1];
  const byKeys = Object.values(forms).toSorted((left, right) => unlike(left) - unlike(right));
  return byTarget ?? byKeys[0] ?? { schema: AwsSettings, rules: awsRules };
}

/** Every top-level key that any target knows. */
export function knownKeys(): ReadonlyMap<string, unknown> {
  return new Map(Object.values(forms).flatMap(({ schema }) => Object.entries(schema.properties)));
}
