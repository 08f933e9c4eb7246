import type { ProviderArgs } from '@pulumi/kubernetes';

/** How every provider of Kubernetes works here, whatever variables (PULUMI_K8S_…) whoever deploys has set. */
export const providerDecisions = {
  enableServerSideApply: true,
  // A network fault must not read as "everything was deleted".
  deleteUnreachable: false,
  enableConfigMapMutable: false,
  enableSecretMutable: false,
  enablePatchForce: false,
  skipUpdateUnreachable: false,
  suppressDeprecationWarnings: false,
  suppressHelmHookWarnings: false,
  upsertExistingObjects: false,
} satisfies ProviderArgs;
