import { eksCluster } from './eks-cluster.ts';
import type { Expander } from './expander.ts';

/** Every remote component that a render can see into. */
export const expanders: readonly Expander[] = [eksCluster];
