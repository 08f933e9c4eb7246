import * as aws from '@pulumi/aws';
import {
  ComponentResource,
  output,
  type ComponentResourceOptions,
  type Input,
  type Output,
  type Resource,
} from '@pulumi/pulumi';
import { allow } from '../planning/iam.ts';
import { planKarpenterPermissions } from '../planning/compute/karpenter-permissions.ts';
import { poolLabel, systemTaintKey } from '../planning/compute/pools.ts';
import type { Transform } from '../planning/transform.ts';
import { createChart } from '../platform/chart.ts';
import { createPodIdentity } from '../security/pod-identity.ts';
import { createInterruptions } from './interruptions.ts';
import { createNodeRole } from './node-role.ts';

export interface KarpenterArgs {
  /** Name of the cluster, from its output. */
  readonly clusterName: Input<string>;
  /** Region of the cluster, for example `eu-west-1`. */
  readonly region: string;
  /** The account of the cluster: twelve digits. */
  readonly accountId: string;
  /** Where the controller runs; a namespace under the `restricted` Pod Security Standard will do. */
  readonly namespace: Input<string>;
  /** True where nodes reach AWS by endpoints of the network alone: then prices, which have none, are not asked for. */
  readonly isolated: boolean;
  /** True where GPUs are shared: turns on NodeOverlay, which is an alpha of Karpenter's. */
  readonly sharesGpus: boolean;
  /** What has to stand first: the system pool and the cluster's addons, on which the controller runs. */
  readonly after: readonly Resource[];
  /** For a value of the chart that no argument says. Default: nothing is bent. */
  readonly transform?: { readonly values?: Transform<Readonly<Record<string, unknown>>> };
}

type Values = Readonly<Record<string, unknown>>;

/** The chart's own name for the account, which Pod Identity has to know. */
const serviceAccount = 'karpenter';

/**
 * Karpenter, which makes nodes for pods that find none: its custom resource definitions, its controller on the system pool with an
 * identity that reaches this cluster's instances alone, the role of its nodes, and the queue that warns of nodes that AWS takes.
 * Node repair is on. An account that never ran spot instances needs their service-linked role once, by
 * `aws iam create-service-linked-role --aws-service-name spot.amazonaws.com`.
 * Cost driver: none of its own but two pods; the nodes are its pools'.
 * Refuses nothing: what it may start, its pools' limits say.
 */
export class Karpenter extends ComponentResource {
  /** Of the nodes, for the pools. */
  readonly instanceProfileName: Output<string>;
  /** Where AWS says which nodes it is about to take: whoever watches it sees that nobody reads. */
  readonly queueName: Output<string>;

  constructor(name: string, args: KarpenterArgs, options?: ComponentResourceOptions) {
    super('orrery:compute:Karpenter', name, {}, options);
    const { clusterName, namespace } = args;
    const { role, ready } = createNodeRole(this, `${name}-node`);
    const profile = new aws.iam.InstanceProfile(`${name}-node-profile`, { role: role.name }, { parent: this });
    const entry = new aws.eks.AccessEntry(
      `${name}-node-access`,
      { clusterName, principalArn: role.arn, type: 'EC2_LINUX' },
      { parent: this },
    );
    const { queueName, queueArn } = createInterruptions(this, name);
    const scope = { ...args, queueArn, nodeRoleArn: role.arn, instanceProfileArn: profile.arn };
    const identity = createPodIdentity(this, `${name}-controller`, {
      clusterName,
      namespace,
      serviceAccount,
      policy: output(clusterName).apply((text) => allow(...planKarpenterPermissions({ ...scope, clusterName: text }))),
    });
    const definitions = createChart(
      `${name}-definitions`,
      { chart: 'karpenter-crd', namespace, values: {} },
      { parent: this, dependsOn: [...args.after] },
    );
    const values = chartValues(args, queueName);
    createChart(
      `${name}-chart`,
      { chart: 'karpenter', namespace, values: args.transform?.values?.(values) ?? values },
      { parent: this, dependsOn: [definitions, entry, ...ready, ...identity.ready] },
    );
    this.instanceProfileName = profile.name;
    this.queueName = queueName;
    this.registerOutputs({ instanceProfileName: this.instanceProfileName });
  }
}

function chartValues({ clusterName, isolated, sharesGpus }: KarpenterArgs, queueName: Output<string>): Values {
  return {
    replicas: 2,
    serviceAccount: { create: true, name: serviceAccount },
    settings: {
      clusterName,
      interruptionQueue: queueName,
      eksControlPlane: true,
      isolatedVPC: isolated,
      featureGates: { nodeRepair: true, nodeOverlay: sharesGpus },
    },
    // It can't run on a node that it would have to make.
    nodeSelector: { 'kubernetes.io/os': 'linux', [poolLabel]: 'system' },
    tolerations: [{ key: systemTaintKey, operator: 'Exists' }],
    controller: { resources: { requests: { cpu: '250m', memory: '512Mi' }, limits: { memory: '1Gi' } } },
  };
}
