import { isDeepStrictEqual } from 'node:util';
import { at, textAt, type Values } from './values.ts';

export interface Difference {
  /** Top-level properties that differ. */
  readonly changed: readonly string[];
  /** Paths that can't be changed in place. */
  readonly replaced: readonly string[];
  /** The old one goes first, because both would have the name that the program gives; what depends on it is replaced with it. */
  readonly deleteFirst: boolean;
}

export interface Mutability {
  readonly configMaps: boolean;
  readonly secrets: boolean;
}

const workload = ['spec.selector'];
const roleBinding = ['roleRef'];

/**
 * What forces a replacement, by `apiVersion kind`, after the table of the real provider (provider/pkg/provider/diff.go of
 * pulumi/pulumi-kubernetes). A bare Pod stands with its whole spec here.
 */
const fixed: Readonly<Record<string, readonly string[]>> = {
  'apps/v1 DaemonSet': workload,
  'apps/v1 Deployment': workload,
  'apps/v1 StatefulSet': [
    ...workload,
    'spec.podManagementPolicy',
    'spec.revisionHistoryLimit',
    'spec.serviceName',
    'spec.volumeClaimTemplates',
  ],
  'batch/v1 Job': ['spec.completions', 'spec.parallelism', 'spec.selector', 'spec.template'],
  'rbac.authorization.k8s.io/v1 ClusterRoleBinding': roleBinding,
  'rbac.authorization.k8s.io/v1 RoleBinding': roleBinding,
  'storage.k8s.io/v1 StorageClass': ['parameters', 'provisioner'],
  'v1 PersistentVolume': ['spec.csi', 'spec.hostPath', 'spec.local'],
  'v1 PersistentVolumeClaim': ['spec.accessModes', 'spec.selector', 'spec.storageClassName', 'spec.volumeName'],
  'v1 Pod': ['spec'],
  'v1 ResourceQuota': ['spec.scopes'],
  'v1 Service': ['spec.clusterIP'],
};

export interface Change {
  readonly olds: Values;
  readonly news: Values;
  /** The name was made up, so that a replacement gets another. */
  readonly isAutonamed: boolean;
}

export function difference({ olds, news, isAutonamed }: Change, mutability: Mutability): Difference {
  const keys = new Set([...Object.keys(olds), ...Object.keys(news)]);
  const differs = (path: string) => !isDeepStrictEqual(at(olds, path), at(news, path));
  const changed = [...keys].filter((key) => !key.startsWith('__') && differs(key));
  const replaced = fixedPaths(news, mutability).filter(differs);
  const isSame = !['metadata.name', 'metadata.namespace', 'name', 'namespace'].some(differs);
  return { changed, replaced, deleteFirst: replaced.length > 0 && isSame && !isAutonamed };
}

function fixedPaths(news: Values, mutability: Mutability): readonly string[] {
  const kind = textAt(news, 'kind');
  // A helm release has no kind; it is the one of its name.
  if (kind === undefined) return ['name', 'namespace'];
  const isImmutable = news['immutable'] === true;
  const content: string[] = [];
  if (kind === 'ConfigMap' && (isImmutable || !mutability.configMaps)) content.push('data', 'binaryData');
  if (kind === 'Secret') content.push('type');
  if (kind === 'Secret' && (isImmutable || !mutability.secrets)) content.push('data', 'stringData');
  const listed = fixed[`${textAt(news, 'apiVersion') ?? ''} ${kind}`] ?? [];
  return ['kind', 'metadata.name', 'metadata.namespace', ...listed, ...content];
}

/** A provider's own settings: it is another cluster when its identifier is, or when nobody can tell. */
export function isOtherCluster(olds: Values, news: Values): boolean {
  if (news['clusterIdentifier'] !== undefined) return olds['clusterIdentifier'] !== news['clusterIdentifier'];
  return olds['kubeconfig'] !== news['kubeconfig'];
}
