import * as random from '@pulumi/random';
import { ComponentResource, type ComponentResourceOptions, type Input, type Resource } from '@pulumi/pulumi';
import { planOperator, planResources, type OperatorPlacement } from '../planning/platform/operators.ts';
import { restrictedContainer, restrictedPod } from '../planning/pod-security.ts';
import { stateful } from '../planning/stateful.ts';
import type { Transform } from '../planning/transform.ts';
import { createChart, type ChartValues } from './chart.ts';

export interface ClickHouseOperatorArgs {
  /** Where the operator runs. */
  readonly namespace: Input<string>;
  /** The namespaces whose installations it looks after, and no others, for example `['orrery']`. */
  readonly watched: readonly Input<string>[];
  /** On which nodes it runs; it is one copy whatever the placement says, because two would write over each other. */
  readonly placement: OperatorPlacement;
  /** What has to stand first: nodes. */
  readonly after: readonly Resource[];
  /** Bends the values of the chart. Default: as they are. */
  readonly transform?: { readonly values?: Transform<ChartValues> };
}

const operatorUser = 10_001;

/**
 * Altinity's operator, which makes ClickHouse and Keeper of their installations.
 * Cost driver: none; what it makes.
 * Refuses a number of replicas that nobody runs. While its one copy is away ClickHouse runs on, and no change of it is carried out. The
 * definitions of its kinds come with the chart's first installation; Helm does not upgrade them.
 */
export class ClickHouseOperator extends ComponentResource {
  /** What has to stand before an installation is accepted. */
  readonly ready: readonly Resource[];

  constructor(name: string, args: ClickHouseOperatorArgs, options?: ComponentResourceOptions) {
    super('orrery:platform:ClickHouseOperator', name, {}, options);
    const { scheduling } = planOperator(args.placement);
    const password = new random.RandomPassword(
      `${name}-password`,
      { length: 40, special: false },
      stateful({ parent: this }),
    );
    const container = { containerSecurityContext: restrictedContainer() };
    const chart = createChart(
      `${name}-chart`,
      {
        chart: 'clickhouse-operator',
        namespace: args.namespace,
        transform: args.transform?.values,
        values: {
          ...scheduling,
          // The chart's own is published with it.
          secret: { create: true, username: 'clickhouse_operator', password: password.result },
          podSecurityContext: restrictedPod(operatorUser),
          operator: { ...container, resources: planResources(100, 256) },
          metrics: { ...container, enabled: true, resources: planResources(50, 128) },
          configs: { files: { 'config.yaml': { watch: { namespaces: [...args.watched] } } } },
        },
      },
      { parent: this, dependsOn: [...args.after] },
    );
    this.ready = [chart];
    this.registerOutputs();
  }
}
