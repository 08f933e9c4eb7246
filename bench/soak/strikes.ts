import type { Tree } from './tree.ts';

export type Strike = 'kill worker' | 'freeze worker' | 'kill orchestrator' | 'freeze orchestrator' | 'kill redis';

/** Redis dies seldom: a fresh process hides how its memory grew. */
const order: readonly Strike[] = [
  ...(['kill worker', 'freeze orchestrator', 'kill orchestrator', 'freeze worker'] as const),
  ...(['kill orchestrator', 'kill worker', 'freeze worker', 'kill redis'] as const),
];
/** Longer than a lease: what was held is another's when it wakes up. */
const freezeMs = 5000;

export function nextStrike(count: number): Strike {
  return order[count % order.length] ?? 'kill worker';
}

/** Kills or freezes; killed are only the second of each kind, so that the first tell how memory grows over the hour. */
export async function strike(tree: Tree, what: Strike): Promise<void> {
  const [steadyOrchestrator, struckOrchestrator] = tree.orchestrators;
  const [steadyWorker, struckWorker] = tree.workers;
  switch (what) {
    case 'kill worker':
      return struckWorker?.replace();
    case 'kill orchestrator':
      return struckOrchestrator?.replace();
    case 'freeze worker':
      return steadyWorker?.freeze(freezeMs);
    case 'freeze orchestrator':
      return steadyOrchestrator?.freeze(freezeMs);
    case 'kill redis':
      return tree.redis.replace();
  }
}
