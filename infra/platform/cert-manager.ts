import { ComponentResource, type ComponentResourceOptions, type Input, type Resource } from '@pulumi/pulumi';
import { planOperator, planResources, type OperatorPlacement } from '../planning/platform/operators.ts';
import type { Transform } from '../planning/transform.ts';
import { createChart, type ChartValues } from './chart.ts';

export interface CertManagerArgs {
  /** Where its pods and objects live. */
  readonly namespace: Input<string>;
  /** How many copies, and on which nodes. */
  readonly placement: OperatorPlacement;
  /** What has to stand first: the Gateway API's definitions, by whose routes names are proven. */
  readonly after: readonly Resource[];
  /** Bends the values of the chart. Default: as they are. */
  readonly transform?: { readonly values?: Transform<ChartValues> };
}

/**
 * cert-manager, which issues and renews certificates where no cloud does.
 * Cost driver: none.
 * Refuses a number of replicas that nobody runs.
 */
export class CertManager extends ComponentResource {
  readonly ready: readonly Resource[];

  constructor(name: string, args: CertManagerArgs, options?: ComponentResourceOptions) {
    super('orrery:platform:CertManager', name, {}, options);
    const chart = createChart(
      `${name}-chart`,
      {
        chart: 'cert-manager',
        namespace: args.namespace,
        values: planValues(args.placement),
        transform: args.transform?.values,
      },
      { parent: this, dependsOn: [...args.after] },
    );
    this.ready = [chart];
    this.registerOutputs();
  }
}

function planValues(placement: OperatorPlacement): Record<string, unknown> {
  const { replicas, scheduling, budget } = planOperator(placement);
  const program = (memoryMiB: number) => ({
    replicaCount: replicas,
    ...scheduling,
    ...(budget ? { podDisruptionBudget: { enabled: true, maxUnavailable: 1 } } : {}),
    resources: planResources(50, memoryMiB),
  });
  return {
    // The definitions come with the chart, so that a release upgrades them, and outlive it: with them every certificate would go.
    crds: { enabled: true, keep: true },
    ...program(256),
    webhook: program(128),
    cainjector: program(256),
    startupapicheck: { ...scheduling, resources: planResources(50, 128) },
    config: {
      apiVersion: 'controller.config.cert-manager.io/v1alpha1',
      kind: 'ControllerConfiguration',
      enableGatewayAPI: true,
    },
  };
}
