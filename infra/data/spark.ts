import * as aws from '@pulumi/aws';
import * as kubernetes from '@pulumi/kubernetes';
import { ComponentResource, type ComponentResourceOptions, type Input, type Output } from '@pulumi/pulumi';
import {
  allowApiServer,
  allowDns,
  allowPodIdentity,
  denyAll,
  planNetworkPolicy,
} from '../planning/platform/network-policy.ts';
import { podIdentityTrust } from '../planning/pod-identity.ts';
import { emrRules, planJobAccounts } from '../planning/data/spark.ts';
import { stateful } from '../planning/stateful.ts';

export interface SparkArgs {
  /** Name of the cluster, from its output. */
  readonly clusterName: Input<string>;
  /** Twelve digits. */
  readonly accountId: string;
  /** Physical name of the namespace of jobs, for example `orrery-spark`: EMR names it. */
  readonly namespaceName: string;
  /** Physical name of the role of jobs, at most 64 characters: EMR makes service accounts whose names contain it. */
  readonly roleName: string;
  /** What a job may do in AWS: an IAM policy document. */
  readonly policy: Input<string>;
}

const emrUser = 'emr-containers';
/** A driver and its executors talk at ports that Spark chooses. */
const sparkPorts = { first: 1024, last: 65_535 } as const;

/**
 * A place for Spark jobs in this cluster: a namespace that EMR may use and nothing else, and the role that its jobs have.
 * Cost driver: EMR's surcharge on the cores and memory of jobs while they run; nothing otherwise.
 * Refuses nothing. EMR's pods do not say all that `restricted` asks, so the namespace is `baseline`, and closed by default.
 */
export class Spark extends ComponentResource {
  readonly virtualClusterId: Output<string>;
  readonly jobRoleArn: Output<string>;

  constructor(name: string, args: SparkArgs, options?: ComponentResourceOptions) {
    super('orrery:data:Spark', name, {}, options);
    const namespace = this.#createNamespace(name, args.namespaceName);
    const role = new aws.iam.Role(
      `${name}-role`,
      { name: args.roleName, assumeRolePolicy: podIdentityTrust },
      { parent: this },
    );
    new aws.iam.RolePolicy(`${name}-policy`, { role: role.name, policy: args.policy }, { parent: this });
    for (const { part, serviceAccount } of planJobAccounts(args.accountId, args.roleName)) {
      new aws.eks.PodIdentityAssociation(
        `${name}-${part}-identity`,
        { clusterName: args.clusterName, namespace, serviceAccount, roleArn: role.arn },
        { parent: this },
      );
    }
    const access = this.#createAccess(name, args, namespace);
    const cluster = new aws.emrcontainers.VirtualCluster(
      `${name}-cluster`,
      {
        name: args.namespaceName,
        containerProvider: {
          id: args.clusterName,
          type: 'EKS',
          info: { eksInfo: { namespace } },
        },
      },
      { parent: this, dependsOn: access },
    );
    this.virtualClusterId = cluster.id;
    this.jobRoleArn = role.arn;
    this.registerOutputs({ virtualClusterId: this.virtualClusterId, jobRoleArn: this.jobRoleArn });
  }

  #createNamespace(name: string, namespaceName: string): Output<string> {
    const level = 'pod-security.kubernetes.io';
    const made = new kubernetes.core.v1.Namespace(
      `${name}-namespace`,
      {
        metadata: {
          name: namespaceName,
          labels: {
            'app.kubernetes.io/part-of': 'orrery',
            [`${level}/enforce`]: 'baseline',
            [`${level}/warn`]: 'baseline',
            [`${level}/audit`]: 'restricted',
          },
        },
      },
      stateful({ parent: this }),
    );
    const namespace = made.metadata.name;
    new kubernetes.networking.v1.NetworkPolicy(
      `${name}-deny`,
      { metadata: { namespace }, spec: denyAll() },
      { parent: this },
    );
    new kubernetes.core.v1.ResourceQuota(
      `${name}-gpu-quota`,
      { metadata: { namespace }, spec: { hard: { 'requests.nvidia.com/gpu': '0' } } },
      { parent: this },
    );
    const ports = { protocol: 'TCP', port: sparkPorts.first, endPort: sparkPorts.last };
    new kubernetes.networking.v1.NetworkPolicy(
      `${name}-inside`,
      {
        metadata: { namespace },
        spec: {
          podSelector: {},
          policyTypes: ['Ingress', 'Egress'],
          ingress: [{ from: [{ podSelector: {} }], ports: [ports] }],
          egress: [{ to: [{ podSelector: {} }], ports: [ports] }],
        },
      },
      { parent: this },
    );
    // The API server stands at 443 too, as all of AWS does.
    new kubernetes.networking.v1.NetworkPolicy(
      `${name}-outwards`,
      {
        metadata: { namespace },
        spec: planNetworkPolicy([allowDns(), allowPodIdentity(), allowApiServer()]),
      },
      { parent: this },
    );
    return namespace;
  }

  /** Who EMR is in the cluster, and what it may do in the namespace. */
  #createAccess(name: string, args: SparkArgs, namespace: Output<string>) {
    const linked = new aws.iam.ServiceLinkedRole(
      `${name}-emr`,
      { awsServiceName: 'emr-containers.amazonaws.com' },
      { parent: this },
    );
    const entry = new aws.eks.AccessEntry(
      `${name}-entry`,
      { clusterName: args.clusterName, principalArn: linked.arn, userName: emrUser, type: 'STANDARD' },
      { parent: this },
    );
    const rights = new kubernetes.rbac.v1.Role(
      `${name}-rights`,
      {
        metadata: { namespace },
        rules: emrRules.map(({ apiGroups, resources, verbs }) => ({
          apiGroups: [...apiGroups],
          resources: [...resources],
          verbs: [...verbs],
        })),
      },
      { parent: this },
    );
    const binding = new kubernetes.rbac.v1.RoleBinding(
      `${name}-binding`,
      {
        metadata: { namespace },
        subjects: [{ kind: 'User', name: emrUser, apiGroup: 'rbac.authorization.k8s.io' }],
        roleRef: { kind: 'Role', name: rights.metadata.name, apiGroup: 'rbac.authorization.k8s.io' },
      },
      { parent: this },
    );
    return [entry, binding];
  }
}
