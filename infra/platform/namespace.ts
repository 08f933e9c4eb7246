import * as kubernetes from '@pulumi/kubernetes';
import { ComponentResource, type ComponentResourceOptions, type Output } from '@pulumi/pulumi';
import { stateful } from '../planning/stateful.ts';

export interface NamespaceArgs {
  /** Physical name, for example `orrery`: people and Pod Identity name it. */
  readonly namespaceName: string;
  /** GPUs that pods here may ask for at a time: GpuCaps.quotaGpus. */
  readonly quotaGpus: number;
  /** Range in which the managed data stores lie. */
  readonly vpcCidr: string;
}

type EgressRule = kubernetes.types.input.networking.v1.NetworkPolicyEgressRule;

/** Where the Pod Identity agent of each node listens. */
const podIdentityAddress = '169.254.170.23/32';

/**
 * A namespace under the `restricted` Pod Security Standard, closed by default: pods talk to each other, to DNS, to Redis and,
 * over TLS, to AWS; nothing from outside talks to them.
 * Cost driver: none.
 * Refuses, at admission: pods with rights, and more GPUs than the cap. Its deletion would delete volume claims: protected.
 */
export class Namespace extends ComponentResource {
  readonly namespaceName: Output<string>;

  constructor(name: string, args: NamespaceArgs, options?: ComponentResourceOptions) {
    super('orrery:platform:Namespace', name, {}, options);
    const level = 'pod-security.kubernetes.io';
    const namespace = new kubernetes.core.v1.Namespace(
      `${name}-namespace`,
      {
        metadata: {
          name: args.namespaceName,
          labels: {
            [`${level}/enforce`]: 'restricted',
            [`${level}/warn`]: 'restricted',
            [`${level}/audit`]: 'restricted',
          },
        },
      },
      stateful({ parent: this }),
    );
    this.namespaceName = namespace.metadata.name;
    new kubernetes.core.v1.ResourceQuota(
      `${name}-gpu-quota`,
      {
        metadata: { namespace: this.namespaceName },
        spec: { hard: { 'requests.nvidia.com/gpu': String(args.quotaGpus) } },
      },
      { parent: this },
    );
    this.#createPolicies(name, args);
    this.registerOutputs({ namespaceName: this.namespaceName });
  }

  #createPolicies(name: string, { vpcCidr }: NamespaceArgs): void {
    const metadata = { namespace: this.namespaceName };
    new kubernetes.networking.v1.NetworkPolicy(
      `${name}-deny`,
      { metadata, spec: { podSelector: {}, policyTypes: ['Ingress', 'Egress'] } },
      { parent: this },
    );
    new kubernetes.networking.v1.NetworkPolicy(
      `${name}-inside`,
      {
        metadata,
        spec: {
          podSelector: {},
          policyTypes: ['Ingress', 'Egress'],
          ingress: [{ from: [{ podSelector: {} }] }],
          egress: [{ to: [{ podSelector: {} }] }],
        },
      },
      { parent: this },
    );
    new kubernetes.networking.v1.NetworkPolicy(
      `${name}-outwards`,
      { metadata, spec: { podSelector: {}, policyTypes: ['Egress'], egress: outwards(vpcCidr) } },
      { parent: this },
    );
  }
}

function outwards(vpcCidr: string): EgressRule[] {
  const dns = {
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } },
    podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } },
  };
  return [
    { to: [dns], ports: ['UDP', 'TCP'].map((protocol) => ({ protocol, port: 53 })) },
    { to: [{ ipBlock: { cidr: vpcCidr } }], ports: [{ protocol: 'TCP', port: 6379 }] },
    { to: [{ ipBlock: { cidr: podIdentityAddress } }], ports: [{ protocol: 'TCP', port: 80 }] },
    // S3 has no fixed addresses; which bucket may be reached, the role says.
    { to: [{ ipBlock: { cidr: '0.0.0.0/0' } }], ports: [{ protocol: 'TCP', port: 443 }] },
  ];
}
