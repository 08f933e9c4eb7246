import type { types } from '@pulumi/kubernetes';
import { PlanError } from '#infra/errors.ts';
import { poolLabel, systemTaintKey } from '../compute/pools.ts';

/** How the programs that run the platform are run: the same for all of them in an environment. */
export interface OperatorPlacement {
  /** Copies of each program that can stand beside itself, 1 to 5. From 2 on the loss of a node is survived. */
  readonly replicas: number;
  /** Whether nodes are kept for such programs, as in a cloud of its own; a cluster that was there already may have none. */
  readonly systemPool: boolean;
}

export interface OperatorPlan {
  readonly replicas: number;
  /** Where they run: on the nodes that are kept for them. Anywhere, where there are none. */
  readonly scheduling: {
    readonly nodeSelector: Readonly<Record<string, string>>;
    readonly tolerations: readonly types.input.core.v1.Toleration[];
  };
  /** Whether a budget of disruption says that one of them stays. With a single copy it could only block a drain, or say nothing. */
  readonly budget: boolean;
}

const replicasMax = 5;

/** Refuses a number of copies that nobody runs. */
export function planOperator({ replicas, systemPool }: OperatorPlacement): OperatorPlan {
  if (!Number.isInteger(replicas) || replicas < 1 || replicas > replicasMax) {
    throw new PlanError({
      code: 'OPERATOR_REPLICAS_INVALID',
      message: `operators would have ${replicas} replicas`,
      hint: `give a whole number from 1 to ${replicasMax}`,
    });
  }
  return {
    replicas,
    scheduling: systemPool
      ? { nodeSelector: { [poolLabel]: 'system' }, tolerations: [{ key: systemTaintKey, operator: 'Exists' }] }
      : { nodeSelector: {}, tolerations: [] },
    budget: replicas > 1,
  };
}

/** Requests, and the same memory as limit; cores are not limited, because a throttled webhook makes the whole cluster wait. */
export function planResources(milliCores: number, memoryMiB: number): types.input.core.v1.ResourceRequirements {
  const memory = `${memoryMiB}Mi`;
  return { requests: { cpu: `${milliCores}m`, memory }, limits: { memory } };
}
