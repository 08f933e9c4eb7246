import type { PoolKind, PoolPlan } from './pools.ts';

/** When Karpenter may take a node away by itself: part of `spec.disruption` and `spec.template.spec` of a NodePool. */
export interface DisruptionPlan {
  readonly consolidationPolicy: 'WhenEmpty' | 'WhenEmptyOrUnderutilized';
  /** How long a node has to be without a pod that came or went. At least five minutes: shorter ones replace nodes all day. */
  readonly consolidateAfter: string;
  /** How many nodes of the pool may go at a time; the tightest of those that fit the reason counts. */
  readonly budgets: readonly DisruptionBudget[];
  /** Age at which a node is replaced, whoever runs on it, so that none outlives its patches. */
  readonly expireAfter: string;
  /** How long a leaving node waits for its pods; then it goes over budgets of pods too. Absent: for ever. */
  readonly terminationGracePeriod?: string;
}

export interface DisruptionBudget {
  /** A count, or a percentage that is rounded up. */
  readonly nodes: string;
  /** Default: every reason. */
  readonly reasons?: readonly ('Empty' | 'Underutilized' | 'Drifted')[];
}

const plans: Readonly<Record<Exclude<PoolKind, 'system'>, DisruptionPlan>> = {
  // Services that may be moved: packed tighter whenever it saves a node, a tenth of the pool at a time.
  spot: {
    consolidationPolicy: 'WhenEmptyOrUnderutilized',
    consolidateAfter: '5m',
    budgets: [{ nodes: '10%' }],
    expireAfter: '168h',
    terminationGracePeriod: '24h',
  },
  // Data: a node goes only when nobody is on it, or when it has aged, one at a time, and it waits for its pods as long as they need.
  general: {
    consolidationPolicy: 'WhenEmpty',
    consolidateAfter: '30m',
    budgets: [{ nodes: '1' }],
    expireAfter: '720h',
  },
  // Dear and slow to warm: never moved while it works, gone soon after.
  gpu: {
    consolidationPolicy: 'WhenEmpty',
    consolidateAfter: '10m',
    budgets: [
      { nodes: '1', reasons: ['Drifted'] },
      { nodes: '100%', reasons: ['Empty'] },
    ],
    expireAfter: '336h',
    terminationGracePeriod: '24h',
  },
};

/** What may take a pool's nodes away. The system pool is no pool of Karpenter's: it is what Karpenter itself runs on. */
export function planDisruption({ kind }: Pick<PoolPlan, 'kind'>): DisruptionPlan {
  if (kind === 'system') throw new TypeError('the system pool is a managed node group');
  return plans[kind];
}
