import type { Resource } from '@pulumi/pulumi';
import { ClickHouseOperator } from '#infra/platform/clickhouse-operator.ts';
import { KafkaOperator } from '#infra/platform/kafka-operator.ts';
import type { KubernetesLayer } from './layers.ts';
import { namespaceNames, type NamespacesLayer } from './namespace.ts';

export interface OperatorsRequest {
  readonly settings: {
    readonly operators: { readonly replicas: number };
    readonly kafka: { readonly kind: string };
  };
  readonly kubernetes: KubernetesLayer;
  readonly namespaces: NamespacesLayer;
  /** Whether nodes are kept for the programs that run the platform. */
  readonly systemPool: boolean;
  /** Whether a ClickHouse of servers is run: the embedded one needs no operator. Default true. */
  readonly clickHouse?: boolean;
}

/** The programs that make databases of what is asked of them, each watching the services' namespace alone. */
export function createOperators(request: OperatorsRequest): readonly Resource[] {
  const { settings, kubernetes, namespaces, systemPool, clickHouse = true } = request;
  const { providers, ready } = kubernetes;
  const placement = { ...settings.operators, systemPool };
  const args = { namespace: namespaces.systemName, watched: [namespaceNames.services], placement, after: ready };
  return [
    ...(clickHouse ? new ClickHouseOperator('clickhouse-operator', args, { providers }).ready : []),
    ...(settings.kafka.kind === 'strimzi' ? new KafkaOperator('kafka-operator', args, { providers }).ready : []),
  ];
}
