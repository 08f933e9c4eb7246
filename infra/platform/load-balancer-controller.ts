import { ComponentResource, type ComponentResourceOptions, type Input, type Resource } from '@pulumi/pulumi';
import { allow } from '../planning/iam.ts';
import { planControllerPermissions, type ControllerAccount } from '../planning/platform/load-balancer-permissions.ts';
import { planOperator, planResources, type OperatorPlacement } from '../planning/platform/operators.ts';
import { restrictedContainer } from '../planning/pod-security.ts';
import type { Transform } from '../planning/transform.ts';
import { createPodIdentity } from '../security/pod-identity.ts';
import { createChart, type ChartValues } from './chart.ts';

export interface LoadBalancerControllerArgs extends ControllerAccount {
  /** Where its pods and objects live. */
  readonly namespace: Input<string>;
  /** The network in which it stands. */
  readonly vpcId: Input<string>;
  /** How many copies, and on which nodes. */
  readonly placement: OperatorPlacement;
  /** On every load balancer, target group and security group that it makes. */
  readonly tags: Readonly<Record<string, string>>;
  /** What has to stand first: the Gateway API's definitions, or it never looks for Gateways, and nodes. */
  readonly after: readonly Resource[];
  /** Bends the values of the chart. Default: as they are. */
  readonly transform?: { readonly values?: Transform<ChartValues> };
}

const serviceAccount = 'aws-load-balancer-controller';

/**
 * The AWS Load Balancer Controller, which makes an application load balancer of every Gateway; it leaves Services and Ingresses alone.
 * Its own definitions lie in the chart's `crds/`, which Helm installs once and never upgrades: apply those of a newer chart by hand first.
 * Cost driver: none of its own; each Gateway is a load balancer.
 * Refuses a number of replicas that nobody runs.
 */
export class LoadBalancerController extends ComponentResource {
  readonly ready: readonly Resource[];

  constructor(name: string, args: LoadBalancerControllerArgs, options?: ComponentResourceOptions) {
    super('orrery:platform:LoadBalancerController', name, {}, options);
    const { namespace, clusterName } = args;
    const values = planValues(args);
    const policy = allow(...planControllerPermissions(args));
    const { ready } = createPodIdentity(this, name, { clusterName, namespace, serviceAccount, policy });
    const chart = createChart(
      `${name}-chart`,
      { chart: 'aws-load-balancer-controller', namespace, values, transform: args.transform?.values },
      { parent: this, dependsOn: [...args.after, ...ready] },
    );
    this.ready = [chart];
    this.registerOutputs();
  }
}

function planValues(args: LoadBalancerControllerArgs): Record<string, unknown> {
  const { replicas, scheduling, budget } = planOperator(args.placement);
  return {
    clusterName: args.clusterName,
    // Told, so that it never has to ask the node for the node's credentials.
    region: args.region,
    vpcId: args.vpcId,
    replicaCount: replicas,
    serviceAccount: { name: serviceAccount },
    ...scheduling,
    ...(budget ? { podDisruptionBudget: { maxUnavailable: 1 } } : {}),
    resources: planResources(100, 256),
    podSecurityContext: { fsGroup: 65_534, seccompProfile: { type: 'RuntimeDefault' } },
    securityContext: { ...restrictedContainer(), runAsNonRoot: true },
    controllerConfig: { featureGates: { ALBGatewayAPI: true, NLBGatewayAPI: false } },
    enableServiceMutatorWebhook: false,
    createIngressClassResource: false,
    ingressClassParams: { create: false },
    enableShield: false,
    enableWaf: false,
    enableWafv2: args.webAclArn !== undefined,
    defaultTargetType: 'ip',
    defaultTags: args.tags,
  };
}
