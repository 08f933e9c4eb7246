import type { KubernetesObject } from './objects.ts';

export interface Planted {
  readonly title: string;
  /** Custom resource definition without which nobody can judge it. */
  readonly needs?: string;
  readonly object: (namespace: string) => KubernetesObject;
  /** What the API server says of it. */
  readonly refusal: RegExp;
}

const image = `registry.k8s.io/pause@sha256:${'0'.repeat(64)}`;
const labels = { app: 'planted' };

const restricted = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  runAsNonRoot: true,
  runAsUser: 1000,
  seccompProfile: { type: 'RuntimeDefault' },
};

function pod(securityContext: object) {
  const resources = { requests: { cpu: '10m', memory: '16Mi' }, limits: { cpu: '10m', memory: '16Mi' } };
  return { containers: [{ name: 'pause', image, securityContext, resources }] };
}

function nodePool(requirement: object): KubernetesObject {
  return {
    apiVersion: 'karpenter.sh/v1',
    kind: 'NodePool',
    metadata: { name: 'planted' },
    spec: {
      template: {
        spec: {
          nodeClassRef: { group: 'karpenter.k8s.aws', kind: 'EC2NodeClass', name: 'planted' },
          requirements: [requirement],
        },
      },
    },
  };
}

/** What must be refused: were one of these admitted, nothing that is admitted would prove anything. */
export const planted: readonly Planted[] = [
  {
    title: 'a NodePool whose requirement has an operator that Karpenter does not know',
    needs: 'nodepools.karpenter.sh',
    object: () => nodePool({ key: 'karpenter.sh/capacity-type', operator: 'Among', values: ['spot'] }),
    refusal: /spec\.template\.spec\.requirements.*operator.*Unsupported value: "Among"/,
  },
  {
    title: 'a NodePool whose In lists nothing, by Karpenter’s own rule',
    needs: 'nodepools.karpenter.sh',
    object: () => nodePool({ key: 'karpenter.sh/capacity-type', operator: 'In' }),
    refusal: /requirements with operator 'In' must have a value defined/,
  },
  {
    title: 'a ScaledObject with a limit that is no number',
    needs: 'scaledobjects.keda.sh',
    object: (namespace) => ({
      apiVersion: 'keda.sh/v1alpha1',
      kind: 'ScaledObject',
      metadata: { name: 'planted', namespace },
      spec: { scaleTargetRef: { name: 'planted' }, maxReplicaCount: 'many', triggers: [] },
    }),
    refusal: /spec\.maxReplicaCount: expected numeric/,
  },
  {
    title: 'a Gateway whose listener has no port',
    needs: 'gateways.gateway.networking.k8s.io',
    object: (namespace) => ({
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'Gateway',
      metadata: { name: 'planted', namespace },
      spec: { gatewayClassName: 'planted', listeners: [{ name: 'web', protocol: 'HTTP' }] },
    }),
    refusal: /spec\.listeners\[0\]\.port.*Required value/,
  },
  {
    title: 'a Deployment that does not select its own pods',
    object: (namespace) => ({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'planted', namespace },
      spec: {
        selector: { matchLabels: labels },
        template: { metadata: { labels: { app: 'another' } }, spec: pod(restricted) },
      },
    }),
    refusal: /`selector` does not match template `labels`/,
  },
  {
    title: 'a pod that may become root',
    object: (namespace) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'planted', namespace, labels },
      spec: pod({ ...restricted, allowPrivilegeEscalation: true }),
    }),
    refusal: /violates PodSecurity "restricted:[^"]+": allowPrivilegeEscalation/,
  },
];
