import * as kubernetes from '@pulumi/kubernetes';
import { ComponentResource, type ComponentResourceOptions, type Output } from '@pulumi/pulumi';
import {
  allowDns,
  denyAll,
  planNetworkPolicy,
  type Allowance,
  type NetworkPolicySpec,
} from '../planning/platform/network-policy.ts';
import { stateful } from '../planning/stateful.ts';

/** A Pod Security Standard: what rights a pod may ask for. */
export type PodSecurity = 'restricted' | 'baseline' | 'privileged';

/** The label of namespaces in which our admission policies are asked. */
export const admissionLabel = { 'orrery.dev/admission': 'enforce' } as const;

export interface NamespaceArgs {
  /** Physical name, for example `orrery`: people, Pod Identity and other namespaces' network policies name it. */
  readonly namespaceName: string;
  /** The most rights that a pod here may ask for; whoever asks for more is refused at admission. */
  readonly podSecurity: PodSecurity;
  /** Whether our admission policies are asked about pods here; charts of other people can't obey them. Default false. */
  readonly admission?: boolean;
  /** GPUs that pods here may ask for at a time: GpuCaps.quotaGpus, or 0 for none. Default: no quota. */
  readonly gpuQuota?: number;
  /** What every pod here may do beside asking for names, by purpose, for example `{ api: [allowApiServer()] }`. Default nothing. */
  readonly network?: Readonly<Record<string, readonly Allowance[]>>;
  /** Further labels of the namespace, for policies of other namespaces that select it. Default none. */
  readonly labels?: Readonly<Record<string, string>>;
}

/**
 * A namespace under one Pod Security Standard, closed by default: its pods ask DNS for names and nothing else; who talks to whom is
 * declared by whoever owns the workload.
 * Cost driver: none.
 * Refuses, at admission: pods with more rights than the standard, and more GPUs than the quota. Its deletion would delete volume
 * claims: protected.
 */
export class Namespace extends ComponentResource {
  readonly namespaceName: Output<string>;

  constructor(name: string, args: NamespaceArgs, options?: ComponentResourceOptions) {
    super('orrery:platform:Namespace', name, {}, options);
    const policies = Object.entries(args.network ?? {}).map(([purpose, allowances]) => {
      return [purpose, planNetworkPolicy(allowances)] as const;
    });
    const namespace = new kubernetes.core.v1.Namespace(
      `${name}-namespace`,
      { metadata: { name: args.namespaceName, labels: labelsOf(args) } },
      stateful({ parent: this }),
    );
    this.namespaceName = namespace.metadata.name;
    if (args.gpuQuota !== undefined) this.#createQuota(name, args.gpuQuota);
    this.#createPolicy(`${name}-deny`, denyAll());
    this.#createPolicy(`${name}-dns`, planNetworkPolicy([allowDns()]));
    for (const [purpose, spec] of policies) this.#createPolicy(`${name}-${purpose}`, spec);
    this.registerOutputs({ namespaceName: this.namespaceName });
  }

  #createQuota(name: string, gpus: number): void {
    new kubernetes.core.v1.ResourceQuota(
      `${name}-gpu-quota`,
      {
        metadata: { namespace: this.namespaceName },
        spec: { hard: { 'requests.nvidia.com/gpu': String(gpus) } },
      },
      { parent: this },
    );
  }

  #createPolicy(name: string, spec: NetworkPolicySpec): void {
    new kubernetes.networking.v1.NetworkPolicy(
      name,
      { metadata: { namespace: this.namespaceName }, spec },
      { parent: this },
    );
  }
}

function labelsOf({ podSecurity, admission = false, labels }: NamespaceArgs): Record<string, string> {
  const modes = ['enforce', 'warn', 'audit'].map((mode) => [`pod-security.kubernetes.io/${mode}`, podSecurity]);
  return {
    ...labels,
    'app.kubernetes.io/part-of': 'orrery',
    ...(admission ? admissionLabel : {}),
    ...(Object.fromEntries(modes) as Record<string, string>),
  };
}
