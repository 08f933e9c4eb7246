import { ComponentResource, type ComponentResourceOptions, type Input, type Resource } from '@pulumi/pulumi';
import { planOperator, planResources, type OperatorPlacement } from '../planning/platform/operators.ts';
import type { Transform } from '../planning/transform.ts';
import { createChart, type ChartValues } from './chart.ts';

export interface KedaArgs {
  /** Where its pods and objects live. */
  readonly namespace: Input<string>;
  /** How many copies, and on which nodes. */
  readonly placement: OperatorPlacement;
  /** What has to stand first: nodes, and the definitions of its kinds. */
  readonly after: readonly Resource[];
  /** Bends the values of the chart. Default: as they are. */
  readonly transform?: { readonly values?: Transform<ChartValues> };
}

/**
 * KEDA, which scales services by what waits for them: entries of a queue, lag of a topic.
 * Cost driver: none; what it scales.
 * Refuses a number of replicas that nobody runs.
 */
export class Keda extends ComponentResource {
  /** What has to stand before a ScaledObject is accepted. */
  readonly ready: readonly Resource[];

  constructor(name: string, args: KedaArgs, options?: ComponentResourceOptions) {
    super('orrery:platform:Keda', name, {}, options);
    const { replicas, scheduling, budget } = planOperator(args.placement);
    const copies = { replicaCount: replicas };
    const stays = { maxUnavailable: 1 };
    const chart = createChart(
      `${name}-chart`,
      {
        chart: 'keda',
        namespace: args.namespace,
        transform: args.transform?.values,
        values: {
          crds: { install: true },
          ...scheduling,
          operator: copies,
          metricsServer: copies,
          webhooks: { ...copies, failurePolicy: 'Fail' },
          ...(budget ? { podDisruptionBudget: { operator: stays, metricServer: stays, webhooks: stays } } : {}),
          resources: {
            operator: planResources(100, 512),
            metricServer: planResources(50, 256),
            webhooks: planResources(50, 128),
          },
          prometheus: { operator: { enabled: true }, metricServer: { enabled: true } },
        },
      },
      { parent: this, dependsOn: [...args.after] },
    );
    this.ready = [chart];
    this.registerOutputs();
  }
}
