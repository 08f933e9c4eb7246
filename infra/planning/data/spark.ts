/** Kubernetes' rules of what EMR may do in the one namespace of its jobs, as its guide lists them. */
export const emrRules = [
  { apiGroups: [''], resources: ['namespaces'], verbs: ['get'] },
  {
    apiGroups: [''],
    resources: ['serviceaccounts', 'services', 'configmaps', 'events', 'pods', 'pods/log'],
    verbs: [
      'get',
      'list',
      'watch',
      'describe',
      'create',
      'edit',
      'delete',
      'deletecollection',
      'annotate',
      'patch',
      'label',
    ],
  },
  { apiGroups: [''], resources: ['secrets'], verbs: ['create', 'patch', 'delete', 'watch'] },
  {
    apiGroups: ['apps'],
    resources: ['statefulsets', 'deployments'],
    verbs: ['get', 'list', 'watch', 'describe', 'create', 'edit', 'delete', 'annotate', 'patch', 'label'],
  },
  {
    apiGroups: ['batch'],
    resources: ['jobs'],
    verbs: ['get', 'list', 'watch', 'describe', 'create', 'edit', 'delete', 'annotate', 'patch', 'label'],
  },
  {
    apiGroups: ['rbac.authorization.k8s.io'],
    resources: ['roles', 'rolebindings'],
    verbs: [
      'get',
      'list',
      'watch',
      'describe',
      'create',
      'edit',
      'delete',
      'deletecollection',
      'annotate',
      'patch',
      'label',
    ],
  },
  {
    apiGroups: [''],
    resources: ['persistentvolumeclaims'],
    verbs: [
      'get',
      'list',
      'watch',
      'describe',
      'create',
      'edit',
      'delete',
      'deletecollection',
      'annotate',
      'patch',
      'label',
    ],
  },
] as const;

/** What a job consists of, each with a service account that EMR makes. */
const parts = ['client', 'driver', 'executor'] as const;

/** The service accounts under which EMR runs the parts of a job that has the role; Pod Identity must know each beforehand. */
export function planJobAccounts(accountId: string, roleName: string): { part: string; serviceAccount: string }[] {
  const encoded = encodeBase36(roleName);
  return parts.map((part) => ({
    part,
    serviceAccount: `emr-containers-sa-spark-${part}-${accountId}-${encoded}`,
  }));
}

/** The bytes of a text as one number, most significant first, in digits and small letters: so EMR writes a role's name. */
export function encodeBase36(text: string): string {
  return BigInt(`0x0${Buffer.from(text, 'utf8').toString('hex')}`).toString(36);
}
