import { ComponentResource, type ComponentResourceOptions, type Input, type Resource } from '@pulumi/pulumi';
import { planOperator, planResources, type OperatorPlacement } from '../planning/platform/operators.ts';
import { restrictedContainer, restrictedPod } from '../planning/pod-security.ts';
import type { Transform } from '../planning/transform.ts';
import { createChart, type ChartValues } from './chart.ts';

export interface KafkaOperatorArgs {
  /** Where the operator runs. */
  readonly namespace: Input<string>;
  /** The namespaces whose Kafkas it looks after, and no others, for example `['orrery']`. */
  readonly watched: readonly Input<string>[];
  /** How many copies, of which one leads, and on which nodes. */
  readonly placement: OperatorPlacement;
  /** What has to stand first: nodes. */
  readonly after: readonly Resource[];
  /** Bends the values of the chart. Default: as they are. */
  readonly transform?: { readonly values?: Transform<ChartValues> };
}

const operatorUser = 10_001;

/**
 * Strimzi, which makes Kafka, its topics and its users of what is asked of them.
 * Cost driver: none; what it makes.
 * Refuses a number of replicas that nobody runs. While it is away Kafka runs on, and no change of it is carried out. The definitions of its
 * kinds come with the chart's first installation; an upgrade of them is a step of its own, which its release notes name.
 */
export class KafkaOperator extends ComponentResource {
  /** What has to stand before a Kafka is accepted. */
  readonly ready: readonly Resource[];

  constructor(name: string, args: KafkaOperatorArgs, options?: ComponentResourceOptions) {
    super('orrery:platform:KafkaOperator', name, {}, options);
    const { replicas, scheduling, budget } = planOperator(args.placement);
    const chart = createChart(
      `${name}-chart`,
      {
        chart: 'strimzi-kafka-operator',
        namespace: args.namespace,
        transform: args.transform?.values,
        values: {
          ...scheduling,
          replicas,
          watchNamespaces: [...args.watched],
          podSecurityContext: restrictedPod(operatorUser),
          securityContext: restrictedContainer(),
          resources: planResources(200, 512),
          podDisruptionBudget: { enabled: budget, maxUnavailable: 1 },
        },
      },
      { parent: this, dependsOn: [...args.after] },
    );
    this.ready = [chart];
    this.registerOutputs();
  }
}
