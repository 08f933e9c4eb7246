import type { WorkerView } from '../door/types.ts';

const workersShownMax = 5;

/**
 * Who may hold the lease of a step at work: the workers of its pool that are connected to this process and have work in hand. A run
 * that is pinned asks those of its build. Which of them has the step is known to their connections alone.
 */
export function tellHolders(pool: string, workers: readonly WorkerView[]): string {
  const [name = pool, build] = pool.split('@');
  const busy = workers.filter(
    (worker) => worker.pool === name && (build === undefined || worker.build === build) && worker.held > 0,
  );
  if (busy.length === 0) return 'its worker is not connected to this orchestrator';
  const shown = busy
    .slice(0, workersShownMax)
    .map((each) => `${each.worker} (build ${each.build}, ${each.held} in hand)`);
  const more = busy.length > workersShownMax ? ` and ${busy.length - workersShownMax} more` : '';
  return `of the workers connected here it may be ${shown.join(' or ')}${more}`;
}
