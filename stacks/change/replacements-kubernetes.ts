import type { Replacements } from './replacement-table.ts';

/** pulumi-kubernetes provider/pkg/provider/diff.go, metadataForceNewProperties; every kind. */
export const kubernetesReplacements: readonly string[] = ['metadata.name', 'metadata.namespace', 'kind', 'apiVersion'];

/** The groups of Kubernetes itself that have a dot; every other group with one is somebody's definition of a custom resource. */
const ownGroups: readonly string[] = [
  'admissionregistration',
  'apiextensions',
  'apiregistration',
  'certificates',
  'coordination',
  'discovery',
  'events',
  'flowcontrol.apiserver',
  'networking',
  'node',
  'rbac.authorization',
  'scheduling',
  'storage',
].map((group) => `${group}.k8s.io`);

/** Whether a type is a custom resource: the provider knows nothing of those, and changes all but their names in place. */
export function isCustomResource(type: string): boolean {
  const [, group = ''] = /^kubernetes:([^/]+)\/[^:]+:/.exec(type) ?? [];
  return group.includes('.') && group !== 'helm.sh' && !ownGroups.includes(group);
}

/** By kind: forceNew of pulumi-kubernetes provider/pkg/provider/diff.go. */
export const kubernetesKinds: Readonly<Record<string, Replacements>> = {
  // apps/v1 Deployment
  'kubernetes:apps/v1:Deployment': { replace: ['spec.selector'] },
  // apps/v1 StatefulSet
  'kubernetes:apps/v1:StatefulSet': {
    replace: [
      'spec.podManagementPolicy',
      'spec.revisionHistoryLimit',
      'spec.selector',
      'spec.serviceName',
      'spec.volumeClaimTemplates',
    ],
  },
  // no entry: everything in place
  'kubernetes:autoscaling/v2:HorizontalPodAutoscaler': {},
  // batch/v1 Job
  'kubernetes:batch/v1:Job': { replace: ['spec.completions', 'spec.parallelism', 'spec.selector', 'spec.template'] },
  // core/v1 ConfigMap; `immutable` is checked by the API (pkg/apis/core/validation)
  'kubernetes:core/v1:ConfigMap': { replace: ['data', 'binaryData', 'immutable'] },
  // no entry: everything in place
  'kubernetes:core/v1:Namespace': {},
  // core/v1 PersistentVolumeClaim; the rest of the spec is immutable for the API but for a larger request
  // (pkg/apis/core/validation, ValidatePersistentVolumeClaimUpdate)
  'kubernetes:core/v1:PersistentVolumeClaim': {
    replace: ['spec.accessModes', 'spec.selector', 'spec.storageClassName', 'spec.volumeName'],
    refuse: ['spec.dataSource', 'spec.dataSourceRef', 'spec.volumeMode'],
    refuseLowered: ['spec.resources.requests.storage'],
  },
  // core/v1 ResourceQuota
  'kubernetes:core/v1:ResourceQuota': { replace: ['spec.scopes'] },
  // core/v1 Secret
  'kubernetes:core/v1:Secret': { replace: ['type', 'stringData', 'data', 'immutable'] },
  // core/v1 Service
  'kubernetes:core/v1:Service': { replace: ['spec.clusterIP'] },
  // no entry: everything in place
  'kubernetes:core/v1:ServiceAccount': {},
  // no entry: everything in place
  'kubernetes:networking.k8s.io/v1:NetworkPolicy': {},
  // no entry for policy/v1: everything in place
  'kubernetes:policy/v1:PodDisruptionBudget': {},
  // storage.k8s.io/v1 StorageClass; the rest is immutable for the API (pkg/apis/storage/validation, ValidateStorageClassUpdate)
  'kubernetes:storage.k8s.io/v1:StorageClass': {
    replace: ['parameters', 'provisioner'],
    refuse: ['reclaimPolicy', 'volumeBindingMode'],
  },
  // admissionregistration.k8s.io/v1: no entry, everything in place
  'kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicy': {},
  'kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicyBinding': {},
  // batch/v1 CronJob: no entry, everything in place
  'kubernetes:batch/v1:CronJob': {},
  // core/v1 LimitRange, apps/v1 DaemonSet: the selector of the latter is immutable
  'kubernetes:core/v1:LimitRange': {},
  'kubernetes:apps/v1:DaemonSet': { replace: ['spec.selector'] },
  // rbac.authorization.k8s.io/v1: whom a binding gives what is immutable for the API
  'kubernetes:rbac.authorization.k8s.io/v1:Role': {},
  'kubernetes:rbac.authorization.k8s.io/v1:ClusterRole': {},
  'kubernetes:rbac.authorization.k8s.io/v1:RoleBinding': { replace: ['roleRef'] },
  'kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding': { replace: ['roleRef'] },
  // provider/pkg/provider/helm_release.go: an upgrade in place, but for the release's own name and namespace
  'kubernetes:helm.sh/v3:Release': { replace: ['name', 'namespace'] },
};
