import * as kubernetes from '@pulumi/kubernetes';
import type { ComponentResource, Input } from '@pulumi/pulumi';
import { planKafkaUser, tenantUser, type TenantTier } from '../planning/tenant/tenants.ts';

/** The Kafka of Strimzi whose users are objects of Kubernetes. */
export interface TenantKafka {
  /** Where the Kafka lies: its operator looks for users there alone, and puts their passwords there. */
  readonly namespace: Input<string>;
  /** Name of the Kafka. */
  readonly clusterName: Input<string>;
}

interface Made {
  readonly tenant: string;
  readonly tier: TenantTier;
  readonly kafka: TenantKafka;
}

/** A tenant's user, limited to topics and groups that bear its name, and to its tier's share of the brokers. */
export function createTenantKafka(parent: ComponentResource, name: string, { tenant, tier, kafka }: Made): void {
  new kubernetes.apiextensions.CustomResource(
    `${name}-kafka-user`,
    {
      apiVersion: 'kafka.strimzi.io/v1beta2',
      kind: 'KafkaUser',
      // The object's name is the user's.
      metadata: {
        namespace: kafka.namespace,
        name: tenantUser(tenant),
        labels: { 'strimzi.io/cluster': kafka.clusterName },
      },
      spec: planKafkaUser(tenant, tier),
    },
    { parent },
  );
}
