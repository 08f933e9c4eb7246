import type { Loop, LoopOptions } from './loop.ts';
import type { OrchestratorMetrics } from './metrics.ts';
import type { Transitions } from './transitions.ts';

export interface TimekeeperDeps {
  readonly shards: readonly string[];
  readonly transitions: Transitions;
  readonly metrics: OrchestratorMetrics;
  readonly tickMs: number;
  readonly onChange: () => void;
  readonly openLoop: (options: Pick<LoopOptions, 'name' | 'idleMs' | 'round'>) => Loop;
}

const purgeIdleMs = 60_000;

/** What happens because time passes, in every shard: timers, leases that ran out, runs that are old. Every orchestrator does it. */
export function timekeeperLoops(deps: TimekeeperDeps): Loop[] {
  const { shards, transitions, metrics, tickMs, onChange, openLoop } = deps;
  return shards.flatMap((shard) => [
    openLoop({
      name: `time ${shard}`,
      idleMs: tickMs,
      round: async () => {
        const [lapsed, fired] = await Promise.all([transitions.reap(shard), transitions.tick(shard)]);
        metrics.lapses.inc(lapsed);
        metrics.timers.inc(fired);
        if (lapsed + fired > 0) onChange();
        return lapsed + fired > 0;
      },
    }),
    openLoop({
      name: `purge ${shard}`,
      idleMs: purgeIdleMs,
      round: async () => (await transitions.purge(shard)) > 0,
    }),
  ]);
}
